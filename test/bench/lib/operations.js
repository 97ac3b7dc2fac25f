// The operations: what is sent for each, and how its answers are shown to be real before and after they are measured.
const { fixtures, passwordOf, userId } = require('../servers/common')

/** @typedef {import('./server-process').Ready} Ready */
/** @typedef {{ method: string, path: string, headers: Record<string, string>, body?: string }} Sent */
/** @typedef {{ status: number, body: any }} Answer */
/** @typedef {{ secret?: string }} Spoiled */

/**
 * @typedef {object} Operation
 * @property {string} title
 * @property {string | undefined} material what the server makes ahead; undefined: nothing
 * @property {boolean} once each piece of material can be used once only
 * @property {(ready: Ready, piece: string, spoiled?: Spoiled) => Sent} request
 * @property {(ready: Ready, pieces: string[]) => Promise<void>} check throws unless the answers are real. Uses up `pieces`.
 * @property {(ready: Ready, piece: string) => Promise<void>} [checkUsed] throws unless a measured piece is used up
 */

/** Pieces of material that `check` uses up. */
const CHECKED = 4

/** @param {Ready} ready @param {keyof Ready['paths'] & string} endpoint @param {Record<string, string>} parameters @param {Spoiled} [spoiled] @returns {Sent} */
function post({ client, clientAuthentication, paths }, endpoint, parameters, { secret = client.secret } = {}) {
  const inBody = clientAuthentication === 'post' ? { client_id: client.id, client_secret: secret } : {}
  const basic = `Basic ${Buffer.from(`${client.id}:${secret}`).toString('base64')}`
  return {
    method: 'POST',
    path: String(paths[endpoint]),
    headers: {
      ...(clientAuthentication === 'basic' && { Authorization: basic }),
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ ...parameters, ...inBody }).toString(),
  }
}

/** @param {Ready} ready @param {string} [token] @returns {Sent} */
function read({ paths }, token) {
  return { method: 'GET', path: String(paths.read), headers: token ? { Authorization: `Bearer ${token}` } : {} }
}

/** As it goes over the wire. @param {Ready} ready @param {Sent} sent */
function raw({ port }, { method, path, headers, body }) {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers, ...length })
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body ?? ''}`
}

/** @param {Ready} ready @param {Sent} sent @returns {Promise<Answer>} */
async function send({ port }, { method, path, headers, body }) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  let parsed
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = text
  }
  return { status: response.status, body: parsed }
}

/** @param {boolean} holds @param {string} what @param {unknown} [answer] @returns {asserts holds} */
function require_(holds, what, answer) {
  if (!holds) throw new Error(`Not real: ${what}${answer === undefined ? '' : `: ${JSON.stringify(answer)}`}`)
}

/** @param {Answer} answer */
const isRefused = ({ status }) => status >= 400 && status < 500

/** A token that differs in one character of its secret. @param {string} token */
function altered(token) {
  const place = token.length - 12
  return token.slice(0, place) + (token[place] === 'A' ? 'B' : 'A') + token.slice(place + 1)
}

/** Whether the server's guard lets the token pass; its introspection, where it has no guard. @param {Ready} ready @param {string} [token] */
async function accepts(ready, token) {
  if (ready.paths.read) return (await send(ready, read(ready, token))).status === 200
  if (token === undefined) return false
  return (await send(ready, post(ready, 'introspect', { token }))).body.active === true
}

/** @param {Ready} ready @param {string} token */
async function checkAccess(ready, token) {
  require_(await accepts(ready, token), 'the guard refuses a fresh token')
  require_(!(await accepts(ready, altered(token))), 'the guard accepts an altered token')
  require_(!(await accepts(ready)), 'the guard accepts a call without a token')
}

/** The check of every operation that issues tokens. @param {Operation['request']} request @returns {Operation['check']} */
function checkIssuing(request, usesMaterial = true) {
  return async (ready, pieces) => {
    const [first = '', second = '', third = ''] = pieces
    const answer = await send(ready, request(ready, first))
    const { access_token: token, token_type: type } = answer.body
    require_(answer.status === 200 && typeof token === 'string', 'no token is issued', answer)
    require_(/^bearer$/i.test(type), 'token_type is not Bearer', answer)
    await checkAccess(ready, token)
    const again = await send(ready, request(ready, second))
    require_(again.status === 200 && again.body.access_token !== token, 'the second token is not a fresh one', again)
    const wrong = await send(ready, request(ready, third, { secret: altered(ready.client.secret) }))
    require_(isRefused(wrong), 'a wrong client secret is not refused', wrong)
    if (!usesMaterial) return
    const bad = await send(ready, request(ready, altered(third)))
    require_(isRefused(bad), 'bad material is not refused', bad)
  }
}

/** Twice the same: refused, or, where a lost response may be fetched again, the very same response. */
const checkUsedUp =
  (/** @type {Operation['request']} */ request, /** @type {boolean} */ mayReplay) =>
  async (/** @type {Ready} */ ready, /** @type {string} */ piece) => {
    const first = await send(ready, request(ready, piece))
    if (isRefused(first)) return
    const second = await send(ready, request(ready, piece))
    const same = second.body.refresh_token === first.body.refresh_token
    require_(mayReplay && first.status === 200 && same, 'used material is accepted again', second)
  }

/** @param {Operation['request']} request @returns {Operation['check']} */
function checkRevoking(request) {
  return async (ready, pieces) => {
    const [first = '', second = ''] = pieces
    const isSession = request === operations.revoke_session?.request
    const lives = isSession
      ? async (/** @type {string} */ token) => (await send(ready, refresh(ready, token))).status === 200
      : (/** @type {string} */ token) => accepts(ready, token)
    if (!isSession) require_(await lives(first), 'the token is dead before it is revoked')
    const answer = await send(ready, request(ready, first))
    require_(answer.status === 200, 'the revocation is refused', answer)
    require_(!(await lives(first)), 'the revoked token lives')
    const wrong = await send(ready, request(ready, second, { secret: altered(ready.client.secret) }))
    require_(isRefused(wrong) || (await lives(second)), 'a wrong client secret revokes', wrong)
  }
}

/** @type {Operation['request']} */
const clientCredentials = (ready, _piece, spoiled) =>
  post(ready, 'token', { grant_type: 'client_credentials', scope: fixtures.scope }, spoiled)
/** @type {Operation['request']} */
const password = (ready, username, spoiled) => {
  const signIn = { username, password: passwordOf(username), scope: fixtures.scope }
  return post(ready, 'token', { grant_type: 'password', ...signIn }, spoiled)
}
/** @type {Operation['request']} */
const refresh = (ready, token, spoiled) =>
  post(ready, 'token', { grant_type: 'refresh_token', refresh_token: token }, spoiled)
/** @type {Operation['request']} */
const code = (ready, piece, spoiled) => {
  const { redirectUri, codeVerifier } = fixtures
  const parameters = { code: piece, redirect_uri: redirectUri, code_verifier: codeVerifier }
  return post(ready, 'token', { grant_type: 'authorization_code', ...parameters }, spoiled)
}
/** @type {Operation['request']} */
const introspect = (ready, token, spoiled) => post(ready, 'introspect', { token }, spoiled)
/** @type {Operation['request']} */
const revoke = (ready, token, spoiled) => post(ready, 'revoke', { token, token_type_hint: 'access_token' }, spoiled)
/** @type {Operation['request']} */
const revokeSession = (ready, token, spoiled) =>
  post(ready, 'revoke', { token, token_type_hint: 'refresh_token' }, spoiled)
/** @type {Operation['request']} */
const guard = (ready, token) => read(ready, token)

/** A request of before, with the proof that comes with its material. @param {Sent} sent @param {string} proof @returns {Sent} */
const proven = (sent, proof) => ({ ...sent, headers: { ...sent.headers, DPoP: proof } })
/** @type {Operation['request']} */
const push = (ready, proof, spoiled) => {
  const { redirectUri, codeChallenge, scope } = fixtures
  const asked = { response_type: 'code', redirect_uri: redirectUri, scope, state: 'a-state-of-the-client' }
  const parameters = { ...asked, code_challenge: codeChallenge, code_challenge_method: 'S256' }
  return proven(post(ready, 'par', parameters, spoiled), proof)
}
/** @type {Operation['request']} */
const provenCode = (ready, piece, spoiled) => {
  const [first = '', proof = ''] = piece.split(' ')
  return proven(code(ready, first, spoiled), proof)
}
/** @type {Operation['request']} */
const provenGuard = ({ paths, tokenType = 'DPoP' }, piece) => {
  const [token = '', proof = ''] = piece.split(' ')
  return proven({ method: 'GET', path: String(paths.read), headers: { Authorization: `${tokenType} ${token}` } }, proof)
}

/** @param {Operation['request']} request @param {(answer: Answer, ready: Ready) => boolean} isReal @returns {Operation['check']} */
function checkProven(request, isReal) {
  return async (ready, pieces) => {
    const [first = '', second = '', third = ''] = pieces
    const answer = await send(ready, request(ready, first))
    require_(isReal(answer, ready), 'a right request is refused', answer)
    const bad = await send(ready, request(ready, altered(second)))
    require_(isRefused(bad), 'a proof with another signature is not refused', bad)
    if (request === provenGuard) return
    const wrong = await send(ready, request(ready, third, { secret: altered(ready.client.secret) }))
    require_(isRefused(wrong), 'a wrong client secret is not refused', wrong)
  }
}

/** A proof counts once, where it is more than a signature. @param {Operation['request']} request @returns {NonNullable<Operation['checkUsed']>} */
const checkProofUsed = (request) => async (ready, piece) => {
  const again = await send(ready, request(ready, piece))
  require_(ready.tokenType === 'Bearer' || isRefused(again), 'a used proof is accepted again', again)
}

/** @type {Operation['check']} */
const checkGuard = async (ready, pieces) => {
  const [token = ''] = pieces
  await checkAccess(ready, token)
  const answer = await send(ready, read(ready, token))
  require_(/^user-\d+$/.test(answer.body.id), 'the route does not learn who calls', answer)
}

/** @type {Operation['check']} */
const checkIntrospect = async (ready, pieces) => {
  const [token = ''] = pieces
  const live = await send(ready, introspect(ready, token))
  require_(live.status === 200 && live.body.active === true, 'a live token is not active', live)
  const dead = await send(ready, introspect(ready, altered(token)))
  require_(isRefused(dead) || dead.body.active === false, 'an altered token is active', dead)
  const wrong = await send(ready, introspect(ready, token, { secret: altered(ready.client.secret) }))
  require_(isRefused(wrong), 'a wrong client secret is not refused', wrong)
}

/** As every code exchange, and with an id_token where the server has any. @type {Operation['check']} */
const checkSignedIn = async (ready, pieces) => {
  const [first = '', ...others] = pieces
  const { status, body } = await send(ready, code(ready, first))
  const parts = String(body.id_token ?? '').split('.')
  require_(
    status === 200 && (parts.length === 3) === Boolean(ready.hasIdToken),
    'the id_token is not as it should be',
    body,
  )
  if (ready.hasIdToken) {
    const claims = JSON.parse(Buffer.from(String(parts[1]), 'base64url').toString())
    require_(
      claims.aud === ready.client.id && claims.nonce === fixtures.codeChallenge,
      'the id_token is no good',
      claims,
    )
  }
  await checkIssuing(code)(ready, others)
}

/** @param {string} algorithm @returns {Operation} */
const codeWithIdToken = (algorithm) => ({
  title: `code exchange, with an id_token (${algorithm})`,
  material: 'code',
  once: true,
  request: code,
  check: checkSignedIn,
  checkUsed: checkUsedUp(code, false),
})

/** @param {string} title @param {string} algorithm @param {boolean} once @returns {Operation} */
const jwtGuard = (title, algorithm, once) => ({
  title,
  material: `jwt_${algorithm}`,
  once,
  request: guard,
  check: checkGuard,
})

/** @type {Record<string, Operation>} */
const operations = {
  client_credentials: {
    title: 'client_credentials',
    material: undefined,
    once: false,
    request: clientCredentials,
    check: checkIssuing(clientCredentials, false),
  },
  password: {
    title: 'password (plain compare)',
    material: undefined,
    once: false,
    request: password,
    check: checkIssuing(password),
  },
  refresh: {
    title: 'refresh',
    material: 'refresh_token',
    once: true,
    request: refresh,
    check: checkIssuing(refresh),
    checkUsed: checkUsedUp(refresh, true),
  },
  code: {
    title: 'code exchange',
    material: 'code',
    once: true,
    request: code,
    check: checkIssuing(code),
    checkUsed: checkUsedUp(code, false),
  },
  code_openid: codeWithIdToken('RS256'),
  code_openid_es256: codeWithIdToken('ES256'),
  guard: { title: 'guard, opaque token', material: 'access_token', once: false, request: guard, check: checkGuard },
  introspect: {
    title: 'introspect',
    material: 'access_token',
    once: false,
    request: introspect,
    check: checkIntrospect,
  },
  revoke: {
    title: 'revoke an access token',
    material: 'access_token',
    once: true,
    request: revoke,
    check: checkRevoking(revoke),
    checkUsed: async (ready, token) => require_(!(await accepts(ready, token)), 'a revoked token lives'),
  },
  revoke_session: {
    title: 'revoke a session (refresh token)',
    material: 'refresh_token',
    once: true,
    request: revokeSession,
    check: checkRevoking(revokeSession),
    checkUsed: async (ready, token) =>
      require_(isRefused(await send(ready, refresh(ready, token))), 'a revoked refresh token lives'),
  },
  guard_rs256_first: jwtGuard('guard, RS256, first sight', 'rs256', true),
  guard_rs256: jwtGuard('guard, RS256, seen before', 'rs256', false),
  guard_es256_first: jwtGuard('guard, ES256, first sight', 'es256', true),
  guard_es256: jwtGuard('guard, ES256, seen before', 'es256', false),
  par: {
    title: 'pushed request, with a DPoP proof',
    material: 'par',
    once: true,
    request: push,
    check: checkProven(push, ({ status, body }) => status === 201 && body.expires_in === 60),
    checkUsed: checkProofUsed(push),
  },
  code_dpop: {
    title: 'code exchange, with a DPoP proof',
    material: 'code_dpop',
    once: true,
    request: provenCode,
    check: checkProven(
      provenCode,
      ({ status, body }, { tokenType }) => status === 200 && body.token_type === tokenType,
    ),
    checkUsed: checkProofUsed(provenCode),
  },
  guard_dpop: {
    title: 'guard, opaque token, with a DPoP proof',
    material: 'guard_dpop',
    once: true,
    request: provenGuard,
    check: checkProven(provenGuard, ({ status, body }) => status === 200 && /^user-\d+$/.test(body.id)),
    checkUsed: checkProofUsed(provenGuard),
  },
}

/** Usernames stand in for material where there is none to make. @param {number} count */
function usernames(count) {
  return Array.from({ length: count }, (_, n) => userId(n))
}

module.exports = { CHECKED, operations, raw, send, usernames }
