// A mistake of the host is a TypeError with a code, in its stack, at start as at work; no client ever sees the code.
import { inspect } from 'node:util'
import * as oauth from '../../src'
import { type MisuseCode, misuse } from '../../src/options/misuse'
import { createHost, type Host, type HostOptions } from '../support/host'

const issuer = 'https://auth.example.com'
const create = (options: object = {}) =>
  oauth.createAuthorizationServer({ issuer, storage: oauth.memoryStorage(), scopes: ['read'], ...options } as never)
const server = create({ endpoints: { authorize: '/authorize', token: '/token' } })
const store = oauth.memoryStorage()

/** What a call throws, now or later. */
async function thrownBy(call: () => unknown): Promise<Error & { code?: string }> {
  try {
    await call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('at start', () => {
  it.each<[MisuseCode, () => unknown]>([
    ['not_a_server', () => oauth.tokenRouter({} as never)],
    ['not_called', () => oauth.authorizeRouter(server, { decide: oauth.consentPage as never })],
    ['too_many_arguments', () => oauth.requireScope(...(['read', 'write'] as unknown as [string]))],
    ['unknown_option', () => create({ issuerUrl: issuer })],
    ['undefined_option', () => create({ onEvent: undefined })],
    ['missing_option', () => oauth.authorizeRouter(server, {} as never)],
    ['conflicting_options', () => oauth.refreshToken({ ttl: 20, maxAge: 10 })],
    ['duplicate_name', () => create({ grants: [oauth.refreshToken(), oauth.refreshToken()] })],
    ['missing_capability', () => oauth.deviceAuthorizationRouter(server)],
    ['unknown_to_server', () => oauth.bearerGuard(server, { scope: 'write' })],
    ['not_an_object', () => oauth.opaque([] as never)],
    ['not_a_function', () => create({ onEvent: 'log' })],
    ['wrong_capability', () => create({ accessTokens: {} })],
    ['wrong_list', () => create({ grants: oauth.refreshToken() })],
    ['wrong_choice', () => create({ pkce: 'sometimes' })],
    ['wrong_seconds', () => oauth.opaque({ ttl: 3_600_000 })],
    ['wrong_text', () => create({ pages: { name: 7 } })],
    ['wrong_scope', () => create({ scopes: ['read,write'] })],
    ['wrong_url', () => create({ issuer: 'auth.example.com' })],
    ['wrong_id', () => oauth.listGrants(server, { userId: {} as never })],
    ['wrong_key', () => oauth.jwt({ keys: 'no key', audience: 'https://api.example.com' })],
    ['weak_secret', () => oauth.dpop({ nonce: { secret: 'short' } })],
    ['wrong_oauth_error', () => new oauth.OAuthError('own', 'Own.', { status: 200 })],
    ['wrong_storage', () => create({ storage: {} })],
    ['broken_storage_contract', () => store.grants.transition('a', 'fresh', { id: 'b' } as never, [])],
  ])('%s is the code of the TypeError, and stands in its stack', async (code, call) => {
    const error = await thrownBy(call)
    expect(error).toBeInstanceOf(TypeError)
    expect([error.name, error.code]).toEqual(['TypeError', code])
    // whoever compares messages goes on to do so
    expect(error.message).not.toContain(code)
    expect(String(error)).toBe(`TypeError: ${error.message}`)
    expect(error.stack?.startsWith(`TypeError [${code}]: ${error.message}\n`)).toBe(true)
    expect(error.stack).not.toContain('src/options/misuse.ts')
    expect(inspect(error)).toContain(`TypeError [${code}]: `)
  })

  it('an error without a stack has its code, too', () => {
    const { stackTraceLimit, prepareStackTrace } = Error
    try {
      Error.stackTraceLimit = 0
      expect(misuse('wrong_url', 'no')).toMatchObject({ code: 'wrong_url', stack: 'TypeError [wrong_url]: no' })
      Error.prepareStackTrace = (_error, sites) => sites
      expect(misuse('wrong_url', 'no')).toMatchObject({ code: 'wrong_url', message: 'no' })
    } finally {
      Object.assign(Error, { stackTraceLimit, prepareStackTrace })
    }
  })
})

describe('at work', () => {
  const ask = (host: Host) => host.authorize()
  const exchange = async (host: Host) => host.exchange(host.web, await host.code())
  const withPassword = (host: Host) =>
    host.token(host.web, { grant_type: 'password', username: 'alice', password: 'x', scope: 'read' })
  const passwords = (verify: () => unknown): HostOptions => ({ grants: [oauth.password({ verify: verify as never })] })
  const decides = (decision: unknown): HostOptions => ({ decide: (() => decision) as oauth.Decide })

  it.each<[MisuseCode, string, HostOptions, (host: Host) => Promise<{ text: string; headers: object }>]>([
    ['wrong_decision', 'a redirect', decides(true), ask],
    ['wrong_decision', 'JSON', { ...decides({ allow: 1 }), response: 'json' }, ask],
    ['wrong_decision', 'a location', { ...decides({ allow: true }), response: 'location' }, ask],
    ['wrong_answer', 'a page', { decide: oauth.consentPage({ signIn: '/login', fields: () => 7 as never }) }, ask],
    ['wrong_user', 'the token endpoint', { users: { find: () => [] as never } }, exchange],
    ['wrong_user', 'the token endpoint, of passwords', passwords(() => 7.5), withPassword],
    ['wrong_answer', 'a token response', { tokenResponse: () => 'no' as never }, exchange],
  ])('%s is the code of the cause in the event, and not in the answer: %s', async (code, _, options, call) => {
    const host = await createHost(options)
    const { text, headers } = await call(host)
    const [error] = host.reportedErrors()
    expect(error).toMatchObject({ code: 'server_error', status: 500, cause: { name: 'TypeError', code } })
    expect(`${text} ${JSON.stringify(headers)}`).not.toContain(code)
    expect(JSON.stringify(error)).not.toContain(code)
  })
})
