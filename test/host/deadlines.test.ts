// A function of the host that never answers, as one whose database hangs: 503 with an event that names it, within
// `storageTimeout`, and never a request that waits for ever.
import express from 'express'
import request from 'supertest'
import {
  approve,
  authorizationCode,
  bcryptPasswords,
  bearerGuard,
  clientsRouter,
  consentPage,
  generateSigningKey,
  issueTokens,
  jwt,
  jwtBearer,
  listGrants,
  password,
  refreshToken,
  registerRouter,
  requireDetail,
  tokenExchange,
} from '../../src'
import { clientKey, signAssertion } from '../support/assertions'
import { createHost, type Host, type HostOptions, issuer, paths } from '../support/host'
import { createLogoutHost } from '../support/logout'
import { createOpenIdHost } from '../support/openid'
import { createApi, createRemoteHost } from '../support/remote'
import { type StorageMethod, storageMethods } from '../support/storage'

const storageTimeout = 1
const never = () => new Promise<never>(() => {})

/** Answers like `real` until it is told to hang. */
function hanging<Args extends unknown[], Answer>(real: (...args: Args) => Answer) {
  const state = { hangs: false }
  return Object.assign((...args: Args): Answer | Promise<never> => (state.hangs ? never() : real(...args)), { state })
}

type Sent = PromiseLike<{ status: number; headers: Record<string, string> }>
interface Row {
  host: Pick<Host, 'reportedErrors' | 'events' | 'storage'>
  send: () => Sent
}
/** What hangs, by the name that the event has for it. */
const rows: Record<string, () => Promise<Row>> = {
  'users.find at the guard': async () => {
    const find = hanging((id: string) => ({ id }))
    const host = await createHost({ storageTimeout, users: { find: find as never } })
    const { access_token } = await host.signIn()
    find.state.hangs = true
    return { host, send: () => host.me(access_token) }
  },
  'users.find at a refresh': async () => {
    const find = hanging((id: string) => ({ id }))
    const host = await createHost({ storageTimeout, users: { find: find as never } })
    const { refresh_token } = await host.signIn()
    find.state.hangs = true
    return { host, send: () => host.refresh(host.web, refresh_token) }
  },
  'users.current': async () => {
    const users = { find: (id: string) => ({ id }), current: never, signIn: '/login' }
    const host = await createHost({ storageTimeout, users, decide: consentPage() })
    return { host, send: () => host.authorize() }
  },
  'signIn or switchUser': async () => {
    const host = await createHost({ storageTimeout, decide: consentPage({ signIn: never }) })
    return { host, send: () => host.authorize(host.web, {}, null) }
  },
  "consentPage's user": async () => {
    const host = await createHost({ storageTimeout, decide: consentPage({ signIn: '/login', user: never }) })
    return { host, send: () => host.authorize() }
  },
  'consentPage({ fields })': async () => {
    const host = await createHost({ storageTimeout, decide: consentPage({ signIn: '/login', fields: never }) })
    return { host, send: () => host.authorize() }
  },
  'approve({ clients })': async () => {
    const host = await createHost({ storageTimeout, decide: approve({ clients: never }) })
    return { host, send: () => host.authorize() }
  },
  tokenResponse: async () => {
    const shape = hanging((body: object) => ({ ...body }))
    const host = await createHost({ storageTimeout, tokenResponse: shape })
    const code = await host.code()
    shape.state.hangs = true
    return { host, send: () => host.exchange(host.web, code) }
  },
  'jwt({ claims })': async () => {
    const accessTokens = jwt({ keys: generateSigningKey('ES256'), audience: 'https://api.example', claims: never })
    const host = await createHost({ storageTimeout, accessTokens })
    return { host, send: async () => host.exchange(host.web, await host.code()) }
  },
  'password({ verify })': async () => {
    const host = await createHost({ storageTimeout, grants: [refreshToken(), password({ verify: never })] })
    const parameters = { grant_type: 'password', username: 'alice', password: 'secret' }
    return { host, send: () => host.token(host.web, parameters) }
  },
  'bcryptPasswords({ findByUsername })': async () => {
    const verify = bcryptPasswords({ findByUsername: never })
    const host = await createHost({ grants: [refreshToken(), password({ verify })] })
    const parameters = { grant_type: 'password', username: 'alice', password: 'secret' }
    return { host, send: () => host.token(host.web, parameters) }
  },
  'jwtBearer({ user })': async () => {
    const key = await clientKey()
    const issuers = [{ issuer: 'https://idp.example', keys: [key.jwk] }]
    const host = await createHost({ storageTimeout, grants: [refreshToken(), jwtBearer({ issuers, user: never })] })
    const change = { claims: { iss: 'https://idp.example', sub: 'U1', aud: issuer } }
    const assertion = await signAssertion('web', key, change)
    const parameters = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
    return { host, send: () => host.token(host.web, parameters) }
  },
  'authorizationDetails.payment.check': async () => {
    const payment = { check: never, describe: () => 'Pay' }
    const host = await createHost({ storageTimeout, authorizationDetails: { payment } })
    return { host, send: () => host.authorize(host.web, { authorization_details: '[{"type":"payment"}]' }) }
  },
  'tokenExchange({ allow })': async () => {
    const host = await createHost({ storageTimeout, grants: [authorizationCode(), tokenExchange({ allow: never })] })
    const { access_token } = await host.signIn()
    return { host, send: () => exchange(host, access_token, 'urn:ietf:params:oauth:token-type:access_token') }
  },
  'tokenExchange({ user })': async () => {
    const key = await clientKey()
    const issuers = [{ issuer: 'https://idp.example', keys: [key.jwk] }]
    const grants = [tokenExchange({ allow: () => undefined, issuers, user: never })]
    const host = await createHost({ storageTimeout, grants })
    const token = await signAssertion('web', key, { claims: { iss: 'https://idp.example', sub: 'U1', aud: issuer } })
    return { host, send: () => exchange(host, token, 'urn:ietf:params:oauth:token-type:jwt') }
  },
  'tokenExchange({ tokenTypes }): urn:example:session': async () => {
    const grants = [tokenExchange({ allow: () => undefined, tokenTypes: { 'urn:example:session': never } })]
    const host = await createHost({ storageTimeout, grants })
    return { host, send: () => exchange(host, 'x', 'urn:example:session') }
  },
  'throttle.take': async () => {
    const grants = [refreshToken(), password({ verify: () => 'alice' })]
    const host = await createHost({ storageTimeout, grants, throttle: { take: never } })
    const parameters = { grant_type: 'password', username: 'alice', password: 'secret' }
    return { host, send: () => host.token(host.web, parameters) }
  },
  'an attempt of throttle.take': async () => {
    const grants = [refreshToken(), password({ verify: () => 'alice' })]
    const host = await createHost({ storageTimeout, grants, throttle: { take: () => ({ succeed: never }) } })
    const parameters = { grant_type: 'password', username: 'alice', password: 'secret' }
    return { host, send: () => host.token(host.web, parameters) }
  },
  "registerRouter's initialAccessToken": async () => {
    const host = await createHost({
      storageTimeout,
      endpoints: { register: '/register' },
      mount: (app, server) => {
        app.use('/register', registerRouter(server, { scopes: 'read', protect: { initialAccessToken: never } }))
      },
    })
    return { host, send: () => host.http().post('/register').auth('x'.repeat(40), { type: 'bearer' }).send({}) }
  },
  "clientsRouter's caller": async () => {
    const host = await createHost({
      storageTimeout,
      mount: (app, server) => {
        const protect = bearerGuard(server, { scope: 'clients', user: false })
        app.use(paths.clients, clientsRouter(server, { protect, caller: never }))
      },
    })
    const { clientId } = await host.register({ scopes: ['clients'] })
    const { access_token } = await issueTokens(host.server, { clientId, scope: 'clients' })
    return { host, send: () => host.http().get(paths.clients).auth(access_token, { type: 'bearer' }) }
  },
  'clientIdMetadataDocuments.allow': async () => {
    const host = await createHost({ storageTimeout, clientIdMetadataDocuments: { scopes: 'read', allow: never } })
    const client = { clientId: 'https://app.example/client.json', redirectUri: 'https://app.example/cb' }
    return { host, send: () => host.authorize(client) }
  },
  'users.claims': async () => {
    const users = { find: (id: string) => ({ id }), current: () => ({ id: 'alice' }), signIn: '/login', claims: never }
    const host = await createOpenIdHost({ storageTimeout, users, decide: () => ({ allow: true, userId: 'alice' }) })
    const { access_token } = await host.signIn(host.web, { scope: 'openid profile' })
    return { host, send: () => host.userinfo(access_token) }
  },
  'openid({ authentication })': async () => {
    const host = await createOpenIdHost({ storageTimeout, openid: { authentication: never } })
    return { host, send: () => host.authorize(host.web, { scope: 'openid' }) }
  },
  "endSessionRouter's signOut": async () => {
    const host = await createLogoutHost({ storageTimeout, signOut: never })
    const { idToken } = await host.tokens()
    return { host, send: () => host.logout({ id_token_hint: idToken }) }
  },
}

const exchange = (host: Host, subject_token: string, subject_token_type: string) =>
  host.token(host.web, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    ...{ subject_token, subject_token_type },
  })

const outcome = async ({ host, send }: Row) => {
  host.events.length = 0
  const { status, headers } = await send()
  const causes = host.reportedErrors().map((error) => [error.status, String(error.cause)] as const)
  return { status, headers, causes }
}

describe('a function of the host that hangs', () => {
  // side by side: each waits for its own second
  const outcomes: Record<string, ReturnType<typeof outcome>> = {}
  beforeAll(() => {
    for (const [name, begin] of Object.entries(rows)) outcomes[name] = begin().then(outcome)
    return Promise.allSettled(Object.values(outcomes))
  }, 120_000)

  it.each(Object.keys(rows))('%s is 503, and an event names it', async (name) => {
    const { status, headers, causes } = await (outcomes[name] as ReturnType<typeof outcome>)
    // the authorization endpoint tells the client (RFC 6749 §4.1.2.1), or shows a page
    const told = status === 302 ? new URL(headers.location as string).searchParams.get('error') : status
    expect([503, 'temporarily_unavailable']).toContain(told)
    const function_ = name.replace(/ at .*/, '')
    expect(causes).toEqual([[503, expect.stringContaining(`${function_} did not answer within`)]])
  })
})

describe.each(['decide', "consentPage's render"])('%s', (name) => {
  it('may take half a minute, because it answers by itself', async () => {
    const decide = name === 'decide' ? never : consentPage({ signIn: '/login', render: never })
    const timers = jest.spyOn(global, 'setTimeout')
    const host = await createHost({ storageTimeout, decide })
    const answer = host.authorize().then((response) => response)
    let wake: (() => void) | undefined
    while (!wake) {
      await new Promise(setImmediate)
      wake = timers.mock.calls.find(([, after]) => (after as number) === 30_000)?.[0] as (() => void) | undefined
    }
    timers.mockRestore()
    const now = performance.now()
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now + 31_000)
    wake()
    const { headers } = await answer
    clock.mockRestore()
    expect(new URL(headers.location as string).searchParams.get('error')).toBe('temporarily_unavailable')
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual([
      expect.stringContaining(`${name} did not answer within 30 seconds`),
    ])
  })
})

describe('a store that hangs', () => {
  it.each(storageMethods)('%s is 503 with its name', async (method: StorageMethod) => {
    const host = await createHost({ storageTimeout })
    host.storage.replace(method, never)
    const [collection, name] = method.split('.') as ['grants', 'find']
    const call = host.server.storage[collection][name] as (...args: unknown[]) => Promise<unknown>
    const rows = method === 'grants.insert' ? [[]] : [{ limit: 1 }]
    await expect(call(...rows)).rejects.toMatchObject({
      status: 503,
      cause: { message: expect.stringContaining(`storage.${method} did not answer within 1 second`) },
    })
  })

  it('whose late write lands loses nothing: the retry of a refresh gets the same tokens', async () => {
    const host = await createHost({ storageTimeout })
    const { refresh_token } = await host.signIn()
    const late = host.storage.pauseBefore('grants.transition')
    await host.refresh(host.web, refresh_token).expect(503)
    late.resume()
    await new Promise(setImmediate)
    const { body } = await host.refresh(host.web, refresh_token).expect(200)
    expect(await host.isAlive(body)).toBe(true)
    await host.refresh(host.web, body.refresh_token).expect(200)
    expect(host.eventTypes()).not.toContain('grant.revoked')
  })

  it('whose late write lands leaves no session that nobody has: the retry of a code finds out, and ends it', async () => {
    const host = await createHost({ storageTimeout })
    const code = await host.code()
    const late = host.storage.pauseBefore('grants.transition')
    await host.exchange(host.web, code).expect(503)
    late.resume()
    await new Promise(setImmediate)
    expect(await listGrants(host.server, { userId: 'alice' })).toHaveLength(1)
    expect((await host.exchange(host.web, code).expect(400)).body.error).toBe('invalid_grant')
    expect(await listGrants(host.server, { userId: 'alice' })).toEqual([])
  })
})

describe('storageTimeout', () => {
  it.each([0, -1, 1.5, '5', null, Number.NaN, 5000])('%p is a TypeError that names the option', async (wrong) => {
    const options = { storageTimeout: wrong } as HostOptions
    await expect(createHost(options)).rejects.toThrow(
      new TypeError(`storageTimeout must be a whole number of seconds from 1 to 300, not ${String(wrong)}`),
    )
  })
})

describe('a server elsewhere', () => {
  const began: Awaited<ReturnType<typeof createRemoteHost>>[] = []
  afterAll(() => Promise.all(began.map(({ close }) => close())))

  it('that hangs, and a users.find and a function of requireDetail that hang, are 503 at the guard', async () => {
    const authorizationDetails = { payment: { check: () => {}, describe: () => 'Pay' } }
    const remote = await createRemoteHost({ authorizationDetails })
    began.push(remote)
    const { clientId, clientSecret = '' } = remote.host.api
    const introspect = { clientId, clientSecret }
    const { access_token } = await remote.host.signIn(remote.host.web, {
      ...{ scope: 'read', authorization_details: '[{"type":"payment"}]' },
    })
    const withUsers = createApi(remote, { introspect, users: { find: never as never } })
    const withoutUsers = createApi(remote, { introspect })
    const app = express()
    app.get('/', bearerGuard(remote.host.server), requireDetail('payment', never))
    app.use(((error, _req, res, _next) => void res.status(error.status).end()) as express.ErrorRequestHandler)
    const [slowUsers, slowDetail] = await Promise.all([
      withUsers.call(access_token),
      request(app).get('/').auth(access_token, { type: 'bearer' }),
    ])
    remote.bend = () => {}
    const slowServer = await withoutUsers.call(access_token)
    expect([slowUsers.status, slowDetail.status, slowServer.status]).toEqual([503, 503, 503])
    expect(withUsers.causes()).toEqual([expect.stringContaining('users.find did not answer within 5 seconds')])
    expect(withoutUsers.causes()).toEqual([expect.stringMatching(/did not answer within 5 seconds|timeout/)])
  }, 60_000)
})
