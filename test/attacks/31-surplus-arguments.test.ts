// Row 31, host misuse. The kind: JavaScript drops a surplus argument in silence, and with it half of a policy.
import * as library from '../../src/index'
import { createHost, type Host } from '../support/host'

/** How many arguments each function takes; the types say the same. */
const most: Record<string, number> = {
  approve: 1,
  authorizationCode: 1,
  authorizeRouter: 2,
  bcryptPasswords: 1,
  bearerGuard: 2,
  bearerStrategy: 2,
  clientCredentials: 0,
  clientSecret: 0,
  privateKeyJwt: 1,
  clientsRouter: 2,
  connectedAppsRouter: 2,
  consentPage: 1,
  createAuthorizationServer: 1,
  deleteClient: 2,
  deviceAuthorizationRouter: 2,
  deviceCode: 1,
  deviceRouter: 2,
  deleteExpired: 1,
  deleteUnusedClients: 2,
  dpop: 1,
  ensureClient: 2,
  generateSigningKey: 1,
  implicit: 1,
  introspectRouter: 2,
  issueCode: 2,
  issueTokens: 2,
  jwt: 1,
  jwtBearer: 1,
  limiterThrottle: 1,
  listClients: 2,
  listGrants: 2,
  memoryStorage: 0,
  memoryThrottle: 0,
  metadataRouter: 2,
  mutualTls: 1,
  oauthRouter: 2,
  opaque: 1,
  password: 1,
  protectedResourceRouter: 2,
  pushedAuthorizationRequests: 1,
  pushedAuthorizationRouter: 2,
  refreshToken: 1,
  registerClient: 2,
  registerRouter: 2,
  remoteServer: 1,
  requestObjects: 1,
  requireDetail: 2,
  requireScope: 1,
  revokeGrants: 2,
  revokeRouter: 2,
  rotateClientSecret: 3,
  startCleanup: 2,
  storageHealth: 1,
  tokenExchange: 1,
  tokenRouter: 2,
  updateClient: 3,
  verifyAccessToken: 3,
}
/** They state no policy. */
const others = ['accessToken', 'OAuthError', 'resourceOwner']

const functions = library as unknown as Record<string, (...given: unknown[]) => unknown>

it('knows every public function', () => {
  expect(Object.keys(library).sort()).toEqual([...Object.keys(most), ...others].sort())
})

it.each(Object.entries(most))(
  '%s(…) throws for one argument more than its %i, whatever that is',
  async (name, count) => {
    for (const surplus of ['write', undefined, {}, ['write']]) {
      const call = async () => functions[name]?.(...Array(count).fill({}), surplus)
      await expect(call()).rejects.toThrow(new RegExp(`^${name} accepts ${count} arguments?, not ${count + 1}: `))
    }
  },
)

describe('a policy of two scopes', () => {
  let host: Host
  beforeAll(async () => {
    host = await createHost()
  })

  it('in two arguments is told at start-up, by the guard and by requireScope', () => {
    const { bearerGuard, requireScope } = functions
    expect(() => requireScope?.('read', 'write')).toThrow(/several scopes are one string/)
    expect(() => bearerGuard?.(host.server, { scope: 'read' }, { scope: 'write' })).toThrow(/options are one object/)
  })

  it('as a text instead of options is told by verifyAccessToken, too', async () => {
    const { access_token } = await host.signIn()
    for (const given of [['read'], [{ scope: 'read' }, 'write']]) {
      await expect(functions.verifyAccessToken?.(host.server, access_token, ...given)).rejects.toThrow(TypeError)
    }
  })
})
