// ATTACKS.md row 52: of many attempts at once no more get through than of many in turn: the excess is none, in one
// process and in several that count in one store.
import { hash } from 'bcryptjs'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import {
  type Client,
  clientCredentials,
  type LimiterOptions,
  limiterThrottle,
  memoryThrottle,
  password,
  registerRouter,
  type Throttle,
} from '../../src/index'
import { createHost, type Host, paths } from '../support/host'

const REGISTER = '/oauth2/register'

/** As many throttles as there are processes, which count in one store. */
function together(processes: number): Throttle[] {
  const store = new Map<string, RateLimiterMemory>()
  const make = (options: LimiterOptions) => {
    const limiter = store.get(options.keyPrefix) ?? new RateLimiterMemory(options)
    store.set(options.keyPrefix, limiter)
    return limiter
  }
  return Array.from({ length: processes }, () => limiterThrottle(make))
}

describe.each([
  ['memoryThrottle', () => [memoryThrottle()]],
  ['limiterThrottle in two processes', () => together(2)],
])('%s lets no more through at once than in turn:', (_, throttles) => {
  let hosts: Host[]
  let looked: number
  beforeEach(async () => {
    looked = 0
    const verify = async (username: string, secret: string) => {
      looked += 1
      await new Promise(setImmediate)
      return secret === 'right' ? username : undefined
    }
    const secrets = [{ bcrypt: await hash('the right secret', 4), createdAt: 0 }]
    hosts = await Promise.all(
      throttles().map(async (throttle) => {
        const host = await createHost({ grants: [password({ verify }), clientCredentials()], throttle })
        await host.register({
          clientId: 'chosen',
          clientSecret: 'the right secret',
          grantTypes: ['client_credentials'],
        })
        const record = (await host.storage.clients.find('chosen')) as Client
        await host.storage.clients.update({ ...record, secrets, version: record.version + 1 }, record.version)
        return host
      }),
    )
  })
  const hostOf = (n: number) => hosts[n % hosts.length] as Host
  const signIn = (n: number, secret: string) =>
    hostOf(n).token(hostOf(n).web, { grant_type: 'password', username: 'alice', password: secret })

  it('20 passwords', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => signIn(n, `guess ${n}`)))
    expect(looked).toBe(20)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(180)
  })

  it('20 passwords, after 60 at once of which some were right', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, n) => signIn(n, n % 2 ? 'right' : `wrong ${n}`)))
    looked = 0
    await Promise.all(Array.from({ length: 60 }, (_, n) => signIn(n, `guess ${n}`)))
    expect(looked).toBeLessThanOrEqual(20)
  })

  it('100 client secrets', async () => {
    const attempt = (n: number) =>
      hostOf(n).send(paths.token, undefined, {
        grant_type: 'client_credentials',
        client_id: 'chosen',
        client_secret: `guess ${n}`,
      })
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => attempt(n)))
    // a site has 128 places at once in each process: what finds none is refused before it is counted
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(100)
  })

  it('300 passwords at as many accounts', async () => {
    const attempt = (n: number) =>
      hostOf(n).token(hostOf(n).web, { grant_type: 'password', username: `user ${n}`, password: 'Summer2026!' })
    for (let round = 0; round < 5; round++)
      await Promise.all(Array.from({ length: 100 }, (_, n) => attempt(round * 100 + n)))
    expect(looked).toBe(300)
  })
})

describe.each([
  ['memoryThrottle', () => memoryThrottle()],
  ['limiterThrottle', () => together(1)[0] as Throttle],
])('%s lets no more through at once than in turn:', (_, throttleOf) => {
  it('50 registrations', async () => {
    const host = await createHost({
      throttle: throttleOf(),
      mount: (app, server) => app.use(REGISTER, registerRouter(server, { protect: 'open', scopes: ['read'] })),
    })
    const register = () =>
      host
        .http()
        .post(REGISTER)
        .send({ redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' })
    const answers = await Promise.all(Array.from({ length: 120 }, register))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50)
  })
})
