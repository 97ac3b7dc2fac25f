// ATTACKS.md row 45: credit given to another key than the one that was proven. Spellings of one name are counted together,
// and what is right is right for exactly the name and the client that it was sent for.
import { hash } from 'bcryptjs'
import type { RequestHandler } from 'express'
import { type Client, clientCredentials, memoryThrottle, password } from '../../src/index'
import type { Attempt } from '../../src/types/attempts'
import { createHost, type Host, paths } from '../support/host'

const trusting: RequestHandler = (req, _res, next) => {
  req.app.set('trust proxy', 1)
  next()
}

describe('an account whose name folds to that of another', () => {
  let host: Host
  /** The names whose password was looked at. */
  let looked: string[]
  beforeEach(async () => {
    looked = []
    const passwords: Record<string, string> = { ana: 'the secret of ana', Ána: 'my own' }
    const verify = (username: string, secret: string) => {
      looked.push(username)
      return passwords[username] === secret ? username : undefined
    }
    host = await createHost({ grants: [password({ verify })], users: { find: (id) => ({ id }) }, before: [trusting] })
  })
  const signIn = (username: string, secret: string, from = '192.0.2.1') =>
    host.token(host.web, { grant_type: 'password', username, password: secret }).set('X-Forwarded-For', from)
  const guesses = () => looked.filter((name) => name === 'ana').length

  it('buys no guesses at the other by signing in between them', async () => {
    for (let guess = 0; guess < 190; guess++) {
      if (guess % 19 === 0) await signIn('Ána', 'my own')
      await signIn('ana', `guess ${guess}`)
    }
    expect(guesses()).toBeLessThanOrEqual(20)
  })

  it('does not make its network one that the other is known from', async () => {
    await signIn('Ána', 'my own').expect(200)
    for (let guess = 0; guess < 100; guess++) await signIn('ana', `guess ${guess}`, `198.51.100.${guess % 10}`)
    const before = guesses()
    for (let guess = 0; guess < 10; guess++) await signIn('ana', `more ${guess}`)
    expect(guesses() - before).toBe(1)
  })
})

it('points that were taken in a window that is over are given back to no other one', async () => {
  jest.useFakeTimers()
  const throttle = memoryThrottle()
  const take = (account: string) => throttle.take({ kind: 'password', account, network: '192.0.2.1' })
  const own = await Promise.all(Array.from({ length: 20 }, () => take('Ána')))
  jest.advanceTimersByTime(15 * 60 * 1000)
  for (const taken of own) if ('succeed' in taken) await taken.succeed()
  const guesses = await Promise.all(Array.from({ length: 40 }, () => take('ana')))
  expect(guesses.filter((taken) => 'succeed' in taken)).toHaveLength(20)
  jest.useRealTimers()
})

describe('a client whose id is another one, form-encoded', () => {
  const twin = 'vic%74im'
  const raw = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

  async function begin(throttle = memoryThrottle()) {
    const taken: Attempt[] = []
    const host = await createHost({
      grants: [clientCredentials()],
      throttle: {
        take(attempt) {
          taken.push(attempt)
          return throttle.take(attempt)
        },
      },
    })
    const chosen = async (clientId: string, secret: string) => {
      await host.register({ clientId, clientSecret: secret, grantTypes: ['client_credentials'] })
      const record = (await host.storage.clients.find(clientId)) as Client
      const secrets = [{ bcrypt: await hash(secret, 4), createdAt: host.clock.now }]
      await host.storage.clients.update({ ...record, secrets, version: record.version + 1 }, record.version)
    }
    await chosen('victim', 'the secret of the victim')
    const authenticate = (authorization: string) =>
      host
        .http()
        .post(paths.token)
        .set('Authorization', authorization)
        .type('form')
        .send('grant_type=client_credentials')
    return { host, taken, chosen, authenticate }
  }

  it('takes back no failure of the other by being right itself', async () => {
    const { chosen, authenticate } = await begin()
    await chosen(twin, 'my own secret')
    const guess = async (n: number) => (await authenticate(raw('victim', `guess ${n}`))).status
    for (let n = 0; n < 90; n++) expect(await guess(n)).toBe(401)
    await authenticate(raw(twin, 'my own secret')).expect(200)
    const more: number[] = []
    for (let n = 0; n < 20; n++) more.push(await guess(100 + n))
    // the header of the twin was a guess at the victim, too
    expect(more.filter((status) => status === 401).length).toBeLessThanOrEqual(10)
  })

  it('is looked at and counted for itself, where only it is there', async () => {
    const { chosen, authenticate, taken } = await begin()
    await chosen('other%2Done', 'my own secret')
    await authenticate(raw('other%2Done', 'wrong')).expect(401)
    await authenticate(raw('other%2Done', 'my own secret')).expect(200)
    expect(taken.map(({ account }) => account)).toEqual(['other%2Done', 'other%2Done'])
  })

  it('is one failure with the other spelling of one header', async () => {
    const { authenticate, taken } = await begin()
    await authenticate(raw(twin, 'wr%6Fng')).expect(401)
    await authenticate(raw('nob%6Fdy', 'wr%6Fng')).expect(401)
    expect(taken.map(({ account }) => account)).toEqual(['victim', 'nobody'])
  })
})
