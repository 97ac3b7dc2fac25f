// ATTACKS.md row 47: a scarce slot that is shared without fairness. What nobody looked at costs its user nothing, each
// network has a lane of its own, and no number of networks below a stated one shuts out strangers.
import { hash } from 'bcryptjs'
import type { RequestHandler } from 'express'
import { bcryptPasswords, memoryThrottle, OAuthError, password, refreshToken, revokeGrants } from '../../src/index'
import { compareSecret } from '../../src/passwords/bcrypt'
import type { Attempt } from '../../src/types/attempts'
import { createHost, type Host } from '../support/host'
import { gate } from '../support/storage'

const right = 'correct horse'
const trusting: RequestHandler = (req, _res, next) => {
  req.app.set('trust proxy', 1)
  next()
}
/** Another one for each number, and no two of one /24. */
const network = (n: number) => `10.${n >> 8}.${n & 255}.7`
const minutes = (count: number) => jest.advanceTimersByTime(count * 60_000)

let host: Host
/** The names whose password was looked at. */
let looked: string[]
const signIn = (username: string, secret: string, from = '192.0.2.1') =>
  host.token(host.web, { grant_type: 'password', username, password: secret }).set('X-Forwarded-For', from)

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'setInterval', 'clearInterval'] })
  looked = []
  const verify = (username: string, secret: string) => {
    looked.push(username)
    return secret === right ? username : undefined
  }
  host = await createHost({ grants: [password({ verify })], users: { find: (id) => ({ id }) }, before: [trusting] })
})
afterEach(() => jest.useRealTimers())

describe('an account that many networks guess at', () => {
  const crowd = async (account = 'ana') => {
    for (let n = 0; n < 100; n++) await signIn(account, 'wrong', network(n % 10))
  }

  it('takes nothing for attempts that were refused unseen', async () => {
    await crowd()
    await signIn('ana', 'mistyped').expect(400)
    for (let tries = 0; tries < 25; tries++) await signIn('ana', right).expect(429)
    minutes(10)
    await signIn('ana', right).expect(200)
  })

  it('is open to a stranger at once, whoever else times their attempts', async () => {
    await crowd()
    for (let n = 0; n < 10; n++) await signIn('ana', 'wrong', network(n))
    await signIn('ana', right, '203.0.113.5').expect(200)
  })

  it('is open to a stranger while less than a hundred networks guess, and for each of them once in ten minutes', async () => {
    await crowd()
    const before = looked.length
    for (let n = 0; n < 99; n++) await signIn('ana', 'wrong', network(n))
    for (let n = 0; n < 99; n++) await signIn('ana', 'wrong', network(n)).expect(429)
    expect(looked.length - before).toBe(99)
    await signIn('ana', right, '203.0.113.5').expect(200)
  })

  it('gives all of them together a hundred attempts in ten minutes, and a known network notices nothing', async () => {
    await signIn('ana', right, '203.0.113.6').expect(200)
    await crowd()
    const before = looked.length
    for (let n = 0; n < 150; n++) await signIn('ana', 'wrong', network(n))
    expect(looked.length - before).toBe(100)
    await signIn('ana', right, '203.0.113.5').expect(429)
    await signIn('ana', right, '203.0.113.6').expect(200)
  })

  it('counts one customer of IPv6, with 65,536 networks, as one of them', async () => {
    await crowd()
    const before = looked.length
    for (let n = 0; n < 30; n++) await signIn('ana', 'wrong', `2001:db8:7:${n.toString(16)}::1`)
    expect(looked.length - before).toBe(1)
  })
})

describe('one password tried at many accounts from one network', () => {
  it('is looked at 300 times in a quarter of an hour', async () => {
    for (let n = 0; n < 1000; n++) await signIn(`user${n}`, 'Summer2026!')
    expect(looked).toHaveLength(300)
    const refused = await signIn('user1', 'Summer2026!').expect(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    minutes(15)
    await signIn('user1', right).expect(200)
  })

  it('does not shut out those who signed in there before, nor other networks', async () => {
    await signIn('ana', right).expect(200)
    for (let n = 0; n < 320; n++) await signIn(`user${n}`, 'Summer2026!')
    await signIn('ana', right).expect(200)
    await signIn('ben', right).expect(429)
    await signIn('ben', right, '192.0.2.2').expect(200)
  })

  it('is counted for a whole customer of IPv6', async () => {
    for (let n = 0; n < 400; n++) await signIn(`user${n}`, 'Summer2026!', `2001:db8:7:${n.toString(16)}::1`)
    expect(looked).toHaveLength(300)
  })

  it('does not count what is right: any number of people signs in there', async () => {
    for (let n = 0; n < 400; n++) await signIn(`user${n}`, right).expect(200)
  })
})

describe('right passwords of one user that come at once', () => {
  let taken: Attempt[]
  let answer: ReturnType<typeof gate>
  let looks: number
  beforeEach(async () => {
    jest.useRealTimers()
    taken = []
    answer = gate()
    looks = 0
    const verify = async (username: string, secret: string) => {
      looks += 1
      await answer.opened
      return secret === right ? username : undefined
    }
    const throttle = memoryThrottle()
    host = await createHost({
      grants: [password({ verify }), refreshToken()],
      throttle: {
        take(attempt) {
          taken.push(attempt)
          return throttle.take(attempt)
        },
      },
    })
  })
  const send = (username: string, secret: string) =>
    host.token(host.web, { grant_type: 'password', username, password: secret }).then((response) => response)
  const underWay = async (count: number) => {
    while (looks < count) await new Promise(setImmediate)
    for (let turns = 0; turns < 200; turns++) await new Promise(setImmediate)
  }

  it('are one attempt, and each has tokens of its own', async () => {
    const sent = Array.from({ length: 40 }, () => send('alice', right))
    await underWay(1)
    answer.open()
    const answers = await Promise.all(sent)
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(40)
    expect([taken.length, looks]).toEqual([1, 1])
    for (let tries = 0; tries < 20; tries++) expect((await send('alice', `wrong ${tries}`)).status).toBe(400)
  })

  it('are none with a password or a name that differs', async () => {
    const sent = [send('alice', right), send('alice', `${right} `), send('Alice', right), send('alice', right)]
    await underWay(3)
    answer.open()
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual([200, 400, 400, 200])
    expect(taken).toHaveLength(3)
  })

  it('end together: one that came after everything was revoked has no token that outlives that', async () => {
    const first = send('alice', right)
    await underWay(1)
    host.clock.advance(10)
    await revokeGrants(host.server, { userId: 'alice' })
    host.clock.advance(10)
    const second = send('alice', right)
    await underWay(1)
    answer.open()
    for (const { body } of await Promise.all([first, second])) {
      expect(body.access_token === undefined || !(await host.isAlive(body))).toBe(true)
    }
  })
})

describe('when all places at bcrypt are taken', () => {
  let cheap: string
  beforeAll(async () => {
    cheap = await hash(right, 4)
  })
  beforeEach(async () => {
    jest.useRealTimers()
    const verify = bcryptPasswords({ findByUsername: (name) => ({ id: name, passwordHash: cheap }) })
    host = await createHost({ grants: [password({ verify })], users: { find: (id) => ({ id }) }, before: [trusting] })
  })

  it('by nine networks with 128 attempts each, strangers sign in all the same', async () => {
    let flooding = true
    const flood = async (from: string): Promise<void> => {
      while (flooding) {
        await compareSecret('secret', cheap, from).catch(() => {})
        await new Promise(setImmediate)
      }
    }
    const all = Array.from({ length: 9 * 128 }, (_, n) => flood(network(n % 9)))
    const statuses: number[] = []
    for (let tries = 0; tries < 10; tries++) statuses.push((await signIn('ana', right, `203.0.113.${tries}`)).status)
    flooding = false
    await Promise.all(all)
    expect(statuses).toEqual(Array(10).fill(200))
  }, 30_000)

  const full = { code: 'temporarily_unavailable', status: 503 }
  // the threads take some of them at once: more than there are cores
  const threads = 64
  const fill = (networks: number) => {
    const jobs = Array.from({ length: 1024 + threads }, (_, n) => compareSecret(right, cheap, network(n % networks)))
    return Promise.allSettled(jobs)
  }

  it('by fewer networks than there are places, the one that has most of them gives one to a stranger', async () => {
    const filled = fill(1023)
    expect(await compareSecret(right, cheap, '203.0.113.1')).toBe(true)
    await filled
  }, 30_000)

  it('by as many networks as there are places, there is none left: that is the stated bound', async () => {
    const filled = fill(1024)
    await expect(compareSecret(right, cheap, '203.0.113.1')).rejects.toMatchObject(full)
    await filled
  }, 30_000)

  it('the last to come of the network that has most has to leave, and no other', async () => {
    const heavy = Array.from({ length: 700 + threads }, () => compareSecret(right, cheap, '192.0.2.1'))
    const light = Array.from({ length: 324 }, () => compareSecret(right, cheap, '192.0.2.2'))
    const strangers = Array.from({ length: 50 }, (_, n) => compareSecret(right, cheap, network(n)))
    const outcomes = async (jobs: Promise<boolean>[]) => (await Promise.allSettled(jobs)).map(({ status }) => status)
    const [left, stayed, came] = await Promise.all([heavy, light, strangers].map(outcomes))
    expect(new Set([...(stayed ?? []), ...(came ?? [])])).toEqual(new Set(['fulfilled']))
    const first = left?.indexOf('rejected') as number
    expect(first).toBeGreaterThan(600)
  }, 30_000)
})

it('an attempt that had to leave unseen does not count', async () => {
  let isFull = true
  const verify = (username: string, secret: string) => {
    if (isFull) throw new OAuthError('temporarily_unavailable', 'Too many sign-ins at once.')
    return secret === right ? username : undefined
  }
  host = await createHost({ grants: [password({ verify })], users: { find: (id) => ({ id }) }, before: [trusting] })
  for (let tries = 0; tries < 40; tries++) await signIn('ana', right).expect(503)
  isFull = false
  await signIn('ana', right).expect(200)
})

it('an attempt at which verify fails otherwise counts: it may have seen the password', async () => {
  const verify = () => {
    throw new Error('no such user')
  }
  host = await createHost({ grants: [password({ verify })], users: { find: (id) => ({ id }) }, before: [trusting] })
  for (let tries = 0; tries < 20; tries++) await signIn('ana', `guess ${tries}`).expect(500)
  await signIn('ana', 'guess').expect(429)
})
