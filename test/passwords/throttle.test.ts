// Guesses at passwords and chosen client secrets: who is shut out, for how long, and who is not (ATTACKS 17).
import express from 'express'
import {
  type AuthorizationServerEvent,
  clientCredentials,
  createAuthorizationServer,
  type Limiter,
  type LimiterOptions,
  limiterThrottle,
  memoryStorage,
  password,
  registerClient,
  type Throttle,
  tokenRouter,
} from 'express-authorization-server'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import request from 'supertest'

const right = 'correct horse'

async function host(throttle?: Throttle | false, trustProxy: boolean | number = false) {
  const events: AuthorizationServerEvent[] = []
  const server = createAuthorizationServer({
    issuer: 'https://auth.example',
    storage: memoryStorage(),
    scopes: ['read'],
    grants: [
      password({ verify: (username, secret) => (secret === right ? username.trim().toLowerCase() : undefined) }),
      clientCredentials(),
    ],
    onEvent: (event) => events.push(event),
    ...(throttle !== undefined && { throttle }),
  })
  await registerClient(server, { clientId: 'app', grantTypes: ['password'], tokenEndpointAuthMethods: ['none'] })
  const grantTypes = ['client_credentials']
  await registerClient(server, { clientId: 'chosen', clientSecret: 'chosen secret', grantTypes })
  const generated = (await registerClient(server, { clientId: 'generated', grantTypes })).clientSecret as string
  const app = express().set('trust proxy', trustProxy).use(tokenRouter(server))
  const from = (ip: string, body: Record<string, string>) =>
    request(app).post('/').set('X-Forwarded-For', ip).type('form').send(body)
  const signIn = (username: string, secret: string, ip = '192.0.2.1') =>
    from(ip, { grant_type: 'password', client_id: 'app', username, password: secret })
  const authenticate = (client_id: string, client_secret: string) =>
    from('192.0.2.1', { grant_type: 'client_credentials', client_id, client_secret })
  return { events, signIn, authenticate, generated }
}

async function times(count: number, act: (index: number) => PromiseLike<{ status: number }>): Promise<number[]> {
  const statuses: number[] = []
  for (let index = 0; index < count; index++) statuses.push((await act(index)).status)
  return statuses
}

describe('guesses at a password', () => {
  it('are refused with 429, Retry-After and an OAuth error after 20 from one network, also with the right one', async () => {
    const { signIn, events } = await host()
    expect(await times(20, () => signIn('ana', 'wrong'))).toEqual(Array(20).fill(400))
    const refused = await signIn('ana', right)
    expect(refused.status).toBe(429)
    expect(refused.body.error).toBe('temporarily_unavailable')
    // of a quarter of an hour, what the guesses have left
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(600)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(900)
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'attempt.throttled', kind: 'password', clientId: 'app' }),
    )
  })

  it('get no further when they come all at once', async () => {
    const { signIn } = await host()
    const answers = await Promise.all(Array.from({ length: 60 }, () => signIn('ana', 'wrong')))
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(20)
  })

  it('do not count when they are right', async () => {
    const { signIn } = await host()
    expect(await times(60, () => signIn('ana', right))).toEqual(Array(60).fill(200))
  })

  it('of one account do not shut out another account of the same network', async () => {
    const { signIn } = await host()
    await times(21, () => signIn('ana', 'wrong'))
    expect((await signIn('ben', right)).status).toBe(200)
  })

  it('count together for all spellings of one username', async () => {
    const { signIn } = await host()
    const spellings = [
      'ana',
      'ANA',
      ' ana ',
      'ａｎａ',
      'áñà',
      'a\u200bn\u00ada',
      'a\u0301na',
      `${'\u200b'.repeat(300)}ana`,
    ]
    await times(20, (index) => signIn(spellings[index % spellings.length] as string, 'wrong'))
    expect((await signIn('Ana', 'wrong')).status).toBe(429)
  })

  it.each([
    ['i', 'ı', 'I'],
    ['ss', 'ß', 'SS'],
    ['ſ', 's', 'S'],
    ['ß', 'ẞ', 'ss'],
  ])('count together where only upper case makes the letters one: %s, %s, %s', async (...letters) => {
    const { signIn } = await host()
    await times(20, (index) => signIn(`mi${letters[index % 3]}a`, 'wrong'))
    expect((await signIn(`MI${letters[0]}A`, 'wrong')).status).toBe(429)
  })

  it('count for the connection, not for an X-Forwarded-For that anybody can write', async () => {
    const { signIn } = await host()
    await times(20, (index) => signIn('ana', 'wrong', `198.51.100.${index}`))
    expect((await signIn('ana', 'wrong', '203.0.113.9')).status).toBe(429)
  })

  it('count together for all addresses of one IPv6 network, in every form', async () => {
    const { signIn } = await host(undefined, true)
    await times(20, (index) => signIn('ana', 'wrong', `2001:DB8:0:7::${index.toString(16)}`))
    expect((await signIn('ana', 'wrong', '2001:db8::7:ffff:0:0:1')).status).toBe(429)
    expect((await signIn('ana', 'wrong', '2001:db8:0:8::1')).status).toBe(400)
  })

  it('from many networks give each network a slow lane, and leave the user of a known network alone', async () => {
    const { signIn } = await host(undefined, true)
    expect((await signIn('ana', right, '203.0.113.1')).status).toBe(200)
    await times(101, (index) => signIn('ana', 'wrong', `198.51.100.${index}`))
    // a stranger has one attempt at once, whatever the others do, and the next one in ten minutes
    expect((await signIn('ana', 'mistyped', '192.0.2.200')).status).toBe(400)
    const second = await signIn('ana', right, '192.0.2.200')
    expect(second.status).toBe(429)
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(590)
    expect(Number(second.headers['retry-after'])).toBeLessThanOrEqual(600)
    expect((await signIn('ana', right, '192.0.2.201')).status).toBe(200)
    expect((await signIn('ana', right, '203.0.113.1')).status).toBe(200)
  })

  it('are not counted with throttle: false', async () => {
    const { signIn } = await host(false)
    expect(await times(30, () => signIn('ana', 'wrong'))).toEqual(Array(30).fill(400))
  })
})

describe('guesses at a client secret', () => {
  it('are refused after 100, while a secret that was right before still works', async () => {
    const { authenticate } = await host()
    expect((await authenticate('chosen', 'chosen secret')).status).toBe(200)
    await Promise.all(Array.from({ length: 100 }, (_, index) => authenticate('chosen', `wrong secret ${index}`)))
    expect((await authenticate('chosen', 'wrong secret')).status).toBe(429)
    expect((await authenticate('chosen', 'chosen secret')).status).toBe(200)
  }, 60_000)

  it('never shut out a generated secret, which nobody can guess', async () => {
    const { authenticate, generated } = await host()
    await Promise.all(Array.from({ length: 101 }, (_, index) => authenticate('generated', `wrong secret ${index}`)))
    expect((await authenticate('generated', generated)).status).toBe(200)
  }, 60_000)
})

describe('a throttle whose store fails', () => {
  it('lets nobody in, and reports the cause', async () => {
    const broken: Limiter = {
      consume: () => Promise.reject(new Error('the store of the limiter is down')),
      reward: () => Promise.reject(new Error('down')),
      get: () => Promise.reject(new Error('down')),
      set: () => Promise.reject(new Error('down')),
    }
    const { signIn, events } = await host(limiterThrottle(() => broken))
    expect((await signIn('ana', right)).status).toBe(503)
    expect(events.some((event) => event.type === 'error')).toBe(true)
  })
})

describe('limiterThrottle', () => {
  it('stores a known network once a day, not at each sign-in', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] })
    const stored: string[] = []
    const throttle = limiterThrottle((options) => {
      const limiter = new RateLimiterMemory(options)
      const set = limiter.set.bind(limiter)
      limiter.set = (key, points, seconds) => {
        stored.push(String(key))
        return set(key, points, seconds)
      }
      return limiter
    })
    const signIn = async () => {
      const taken = await throttle.take({ kind: 'password', account: 'ana', network: '192.0.2.1' })
      if ('succeed' in taken) await taken.succeed?.()
    }
    await signIn()
    await signIn()
    expect(stored).toHaveLength(1)
    jest.advanceTimersByTime(24 * 3600 * 1000)
    await signIn()
    expect(stored).toHaveLength(2)
    jest.useRealTimers()
  })

  it('counts together in processes that share the store of a limiter', async () => {
    const shared = new Map<string, RateLimiterMemory>()
    const make = (options: LimiterOptions) => {
      const limiter = shared.get(options.keyPrefix) ?? new RateLimiterMemory(options)
      shared.set(options.keyPrefix, limiter)
      return limiter
    }
    const [first, second] = [await host(limiterThrottle(make)), await host(limiterThrottle(make))]
    await times(10, () => first.signIn('ana', 'wrong'))
    await times(10, () => second.signIn('ana', 'wrong'))
    expect((await first.signIn('ana', 'wrong')).status).toBe(429)
  })
})
