/**
 * Errors of a host's own grant (RFC 6749 §8.5): a code of its own, and members beside the error, as in the streamlined
 * account linking of Google, whose token endpoint answers `linking_error` with the `login_hint` of the account.
 */
import fc from 'fast-check'
import { withChallenge } from '../../src/guard/challenge'
import {
  authorizationCode,
  type GrantType,
  issueTokens,
  OAuthError,
  type OAuthErrorOptions,
  refreshToken,
} from '../../src/index'
import { nastyText, runs } from '../support/fuzz'
import { answerOf, createHost } from '../support/host'

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** The intents `check` and `get`. An assertion is an address here; verifying the JWT of Google is the host's. */
const googleLinking: GrantType = {
  grantType,
  async handle(server, request) {
    const account = String(request.parameters.get('assertion'))
    const linked = account === 'alice@example.com'
    if (request.parameters.get('intent') === 'check') {
      if (linked) return { account_found: 'true' } as never
      const members = { account_found: 'false' }
      throw new OAuthError('account_not_found', 'No account has this address.', { status: 404, members })
    }
    if (!linked) {
      const members = { login_hint: account }
      throw new OAuthError('linking_error', 'The account must be linked by sign-in.', { status: 401, members })
    }
    return issueTokens(server, { clientId: request.client.clientId, userId: 'alice', request })
  },
}

it('streamlined linking of Google: linking_error with a login_hint, and tokens where the account is linked', async () => {
  const host = await createHost({ grants: [authorizationCode(), refreshToken(), googleLinking] })
  const ask = (intent: string, assertion: string) =>
    host.token(host.web, { grant_type: grantType, intent, assertion, scope: 'read', response_type: 'token' })
  const { headers, body } = await ask('get', 'bob+ü@example.com').expect(401)
  expect(body).toEqual({
    error: 'linking_error',
    error_description: 'The account must be linked by sign-in.',
    login_hint: 'bob+ü@example.com',
  })
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' })
  expect((await ask('check', 'bob@example.com').expect(404)).body).toMatchObject({ account_found: 'false' })
  expect((await ask('check', 'alice@example.com').expect(200)).body).toEqual({ account_found: 'true' })
  const tokens = (await ask('get', 'alice@example.com').expect(200)).body
  await host.me(tokens.access_token).expect(200)
  expect(host.reportedErrors()).toEqual([])
})

it('members are for the token endpoint: no redirect, challenge or JSON of another endpoint has them', async () => {
  const error = () => new OAuthError('linking_error', 'Link first.', { status: 401, members: { login_hint: 'bob' } })
  for (const response of ['redirect', 'json'] as const) {
    const refusing = await createHost({
      response,
      decide() {
        throw error()
      },
    })
    const answer = await refusing.authorize()
    const told = response === 'redirect' ? answerOf(answer) : answer.body
    expect(told).toMatchObject({ error: 'linking_error', error_description: 'Link first.' })
    expect(told).not.toHaveProperty('login_hint')
  }
  expect(JSON.stringify(error())).toBe('{"error":"linking_error","error_description":"Link first."}')
  expect(withChallenge(error(), { realm: 'api' }, []).headers).toEqual({
    'WWW-Authenticate': 'Bearer realm="api", error="linking_error", error_description="Link first."',
  })
})

const make = (code: string, options: object) => () => new OAuthError(code, 'No.', options as { status: number })

it.each(['a b', 'urn:example:error', '!#[]~', '__proto__', 'toString'])('%j may be a code (RFC 6749 §5.2)', (code) => {
  expect(make(code, { status: 400 })()).toMatchObject({ code, status: 400, members: {} })
})

it.each(['', 'a"b', 'a\\b', 'é', 'a\r\nX: y', '\t', undefined, 7])('%j is no code (RFC 6749 §5.2)', (code) => {
  expect(make(code as string, { status: 400 })).toThrow('OAuthError: the code must be printable ASCII')
})

it.each([undefined, 200, 302, 399, 600, 400.5, Number.NaN, '400'])(
  '%j is no status of a code of the host',
  (status) => {
    expect(make('linking_error', { status })).toThrow(/^OAuthError: .*status/)
  },
)

it('a code that is misspelt, or a member of every object, needs a status, too', () => {
  for (const code of ['invalid_grnat', 'toString', '__proto__', 'constructor'])
    expect(make(code, {})).toThrow(TypeError)
})

it.each([
  ...['error', 'error_description', 'error_uri', 'access_token', 'token_type', 'expires_in', 'refresh_token', 'scope'],
  ...['id_token', 'code', 'state', 'iss', '__proto__', '', 'a b', 'é', 'a"b', 'a:b'],
])('%j is no name of a member (RFC 6749 §5.2, §8.2)', (name) => {
  const members = Object.fromEntries([[name, 'x']])
  for (const code of ['invalid_grant', 'linking_error']) {
    expect(make(code, { status: 400, members })).toThrow('OAuthError: members must not have')
  }
})

it.each([[['x']], [{ a: 1 }], [null], [undefined], [Number.NaN], [1n], ['a\nb'], ['\ud800'], [() => 'x']])(
  '%j is no value of a member',
  (value) => {
    expect(make('linking_error', { status: 400, members: { login_hint: value } })).toThrow(
      'the member login_hint must be',
    )
  },
)

it('a wrong member is a mistake of the host: 500, and an event that names it', async () => {
  const wrong: GrantType = {
    grantType,
    async handle() {
      throw new OAuthError('linking_error', 'No.', { status: 401, members: { access_token: 'stolen' } })
    },
  }
  const host = await createHost({ grants: [authorizationCode(), wrong] })
  const { body } = await host.token(host.web, { grant_type: grantType }).expect(500)
  expect(body.error).toBe('server_error')
  expect(JSON.stringify(body)).not.toContain('stolen')
  expect(String((host.reportedErrors()[0] as OAuthError).cause)).toContain('access_token')
})

it('whatever a host puts in, an error response is never taken for tokens, and its error is in the characters of §5.2', () => {
  const value = fc.oneof(nastyText, fc.integer(), fc.boolean(), fc.double())
  const name = fc.oneof(nastyText, fc.constantFrom('login_hint', 'access_token', 'error', 'interval', 'x.y-z'))
  fc.assert(
    fc.property(nastyText, nastyText, fc.dictionary(name, value), (code, description, members) => {
      let error: OAuthError
      try {
        error = new OAuthError(code, description, {
          status: 400,
          members: members as OAuthErrorOptions['members'] & {},
        })
      } catch (thrown) {
        return expect(thrown).toBeInstanceOf(TypeError)
      }
      const sent = JSON.parse(JSON.stringify({ ...error.toJSON(), ...error.members }))
      expect(sent).toMatchObject({ error: code, error_description: error.description })
      expect(sent).not.toHaveProperty('access_token')
      for (const text of [sent.error, sent.error_description]) expect(text).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
    }),
    runs(1000),
  )
})

it('a description says "section" for the sign that its characters do not have (RFC 6749 §5.2)', () => {
  const { description } = new OAuthError('invalid_request', 'See RFC 6749 §5.2, § 4.1 and §§ 2 to 3.')
  expect(description).toBe('See RFC 6749 section 5.2, section 4.1 and section 2 to 3.')
})
