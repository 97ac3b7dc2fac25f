/** What a client does, and what it knows afterwards: a session over HTTP against an app in another process. */
import type { Answer, App } from './apps'

export const issuer = 'http://127.0.0.1:3000'
export const clientId = 'app'
/** Stands for personal tokens. */
export const personalClientId = 'personal'
export const scope = 'read'
/** An issuer elsewhere, whose key the apps find in their environment. */
export const idp = 'https://idp.example'
/** RFC 7636 Appendix B. */
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

export interface Tokens {
  access_token: string
  refresh_token: string
}

export async function newCode(app: App, userId = 'ada', client = clientId): Promise<string> {
  const answer = await app.post(`/code/${userId}?client_id=${client}`)
  if (answer.status !== 200) throw new Error(`No code: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body.code as string
}

/** A payment (RFC 9396), with names that are not in the order of any store. */
export const details = [{ type: 'payment', creditor: { name: 'Ada Ä', iban: 'DE02' }, amount: '10.00' }]

/** Pushes a request for it (RFC 9126): its `request_uri`. */
export async function pushRequest(app: App): Promise<string> {
  const request = { response_type: 'code', redirect_uri: 'http://127.0.0.1/callback' }
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const asked = { scope, authorization_details: JSON.stringify(details) }
  const answer = await app.post('/par', { client_id: clientId, ...request, ...pkce, ...asked })
  if (answer.status !== 201) throw new Error(`Not pushed: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body.request_uri as string
}

/** Ada's yes to a pushed request. */
export function answerRequest(app: App, requestUri: string): Promise<Answer> {
  return app.get(`/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUri })}`)
}

/** RFC 8628 §3.4. */
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** A device asks (RFC 8628): its code, and the one for its user. */
export async function newDevice(app: App): Promise<{ deviceCode: string; userCode: string }> {
  const answer = await app.post('/device_authorization', { client_id: clientId })
  if (answer.status !== 200) throw new Error(`No device code: ${answer.status} ${JSON.stringify(answer.body)}`)
  return { deviceCode: answer.body.device_code as string, userCode: answer.body.user_code as string }
}

/** Ada enters the code, and says yes. */
export async function approveDevice(app: App, userCode: string): Promise<Answer> {
  const { body } = await app.get('/device')
  const [, transaction = ''] = /name="device_transaction" value="([^"]+)"/.exec(String(body.page)) ?? []
  return app.post('/device', { device_transaction: transaction, user_code: userCode })
}

export function pollDevice(app: App, deviceCode: string): Promise<Answer> {
  return app.post('/token', { grant_type: deviceGrant, client_id: clientId, device_code: deviceCode })
}

/** RFC 7523 §2.1. */
export const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** RFC 8693 §2.1. */
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const tokenTypes = 'urn:ietf:params:oauth:token-type:'

export function bearAssertion(app: App, assertion: string): Promise<Answer> {
  return app.post('/token', { grant_type: bearerGrant, client_id: clientId, assertion })
}

/** `secret` is that of the client `backend`. */
export function exchangeToken(app: App, token: string, secret: string, type = 'access_token'): Promise<Answer> {
  const authorization = `Basic ${Buffer.from(`backend:${secret}`).toString('base64')}`
  const form = { grant_type: exchangeGrant, subject_token: token, subject_token_type: tokenTypes + type }
  return app.post('/token', form, { authorization })
}

/** With `proof`: for a token that is bound to the key that signed it (RFC 9449). */
export function exchange(app: App, code: string, proof?: string): Promise<Answer> {
  const form = { grant_type: 'authorization_code', client_id: clientId, code, code_verifier: verifier }
  return app.post('/token', form, proof === undefined ? {} : { dpop: proof })
}

export function refresh(app: App, { refresh_token }: Pick<Tokens, 'refresh_token'>): Promise<Answer> {
  return app.post('/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token })
}

/** Authenticates by the certificate of its connection (RFC 8705). */
export const certifiedClientId = 'certified'
/** A public client, whose tokens are bound to whichever certificate it has (RFC 8705 §4). */
export const boundAppId = 'bound-app'
/** What the proxy in front hands over. */
export const certificateHeader = 'x-client-cert'

/** A token request with a certificate, as it stands in the header. */
export function holding(app: App, held: string, form: Record<string, string>): Promise<Answer> {
  return app.post('/token', form, { [certificateHeader]: held })
}

/** For a token that is bound to the certificate (RFC 8705 §3). */
export function exchangeHolding(app: App, held: string, code: string, client: string): Promise<Answer> {
  return holding(app, held, { grant_type: 'authorization_code', client_id: client, code, code_verifier: verifier })
}

export function revoke(app: App, { refresh_token }: Pick<Tokens, 'refresh_token'>): Promise<Answer> {
  return app.post('/revoke', { client_id: clientId, token: refresh_token })
}

/** `held`: the certificate that comes with it. */
export function me(app: App, { access_token }: Pick<Tokens, 'access_token'>, held?: string): Promise<Answer> {
  return app.get('/me', access_token, held === undefined ? {} : { [certificateHeader]: held })
}

export async function newTokens(app: App, userId = 'ada'): Promise<Tokens> {
  const answer = await exchange(app, await newCode(app, userId))
  if (answer.status !== 200) throw new Error(`No tokens: ${answer.status} ${JSON.stringify(answer.body)}`)
  return tokensOf(answer)
}

export function tokensOf({ body }: Answer): Tokens {
  return { access_token: body.access_token as string, refresh_token: body.refresh_token as string }
}

/** The grant that a code or token is of, or will be of. */
export function grantOf(token: string): string {
  return token.slice(0, token.indexOf('~'))
}
