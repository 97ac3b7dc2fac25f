// ATTACKS.md row 57: the device flow (RFC 8628 §5). A code is guessed, approved by another session, by a forged form or
// twice; a stranger sends a link; others poll.
import type { NextFunction, Request, Response } from 'express'
import {
  authorizationCode,
  consentPage,
  deviceCode,
  type Limiter,
  limiterThrottle,
  oauthRouter,
  refreshToken,
  updateClient,
} from '../../src/index'
import { fieldsOf } from '../support/consent'
import {
  answerDevice,
  createDeviceHost,
  type DeviceHost,
  enterCode,
  openPage,
  poll,
  postPage,
  pressButton,
  startDevice,
} from '../support/device'
import { createHost, deviceGrant, paths } from '../support/host'
import { gate } from '../support/storage'

const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()
const RACERS = 20

describe('guessing (§5.1)', () => {
  it('ends for a network after 20 wrong codes, with 429, and a right code does not count', async () => {
    const host = await createDeviceHost()
    for (let n = 0; n < 25; n++) {
      const { user_code } = await startDevice(host, host.tv)
      expect((await enterCode(host, user_code)).status).toBe(200)
    }
    for (let n = 0; n < 20; n++) expect((await enterCode(host, 'BBBB-BBBB')).status).toBe(400)
    const { user_code } = await startDevice(host, host.tv)
    const refused = await enterCode(host, user_code)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(host.events.at(-1)).toMatchObject({ type: 'attempt.throttled', kind: 'user_code' })
    // another account of the same network is no way round
    expect((await enterCode(host, user_code, 'bob')).status).toBe(429)
  })

  it('is counted by network and over all of them, under a kind of its own, and a network with a code of its own is none that is known', async () => {
    const counted: Record<string, { points: number; keys: Set<string> }> = {}
    const throttle = limiterThrottle(({ keyPrefix, points }) => {
      const count = { points, keys: new Set<string>() }
      counted[keyPrefix] = count
      const limiter: Limiter = {
        consume: async (key) => void count.keys.add(key),
        reward: async () => {},
        get: async () => null,
        set: async (key) => void count.keys.add(key),
      }
      return limiter
    })
    // a host without devices has no counts for them
    expect(Object.keys(counted).filter((name) => name.includes('user_code'))).toEqual([])
    const host = await createDeviceHost({
      throttle,
      before: [(req, _res, next) => next(void req.app.set('trust proxy', 1))],
    })
    for (const address of ['198.51.100.1', '198.51.100.2']) {
      const { user_code } = await startDevice(host, host.tv)
      const { device_transaction = '' } = fieldsOf(await openPage(host))
      await postPage(host, { device_transaction, user_code }).set('X-Forwarded-For', address).expect(200)
    }
    expect(counted.oauth_user_code_network).toMatchObject({ points: 20, keys: { size: 2 } })
    expect(counted.oauth_user_code_account).toMatchObject({ points: 1000, keys: { size: 1 } })
    expect(counted.oauth_user_code_known?.keys.size).toBe(0)
  })

  it('by many forms at once, or with one form many times, gets no more guesses', async () => {
    const host = await createDeviceHost()
    const codes = Array.from({ length: 40 }, (_, n) => `BBBB-BB${'BC'[n % 2]}${'BCDFGHJKLMNPQRSTVWXZ'[n >> 1]}`)
    const failed = () => host.eventTypes().filter((type) => type === 'user_code.failed').length
    const one = fieldsOf(await openPage(host))
    await Promise.all(codes.map((user_code) => postPage(host, { ...one, user_code })))
    expect(failed()).toBe(1)
    const forms = await Promise.all(codes.map(async (user_code) => ({ ...fieldsOf(await openPage(host)), user_code })))
    const answers = await Promise.all(forms.map((form) => postPage(host, form)))
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(20)
    expect(failed()).toBeLessThanOrEqual(20)
  })

  it('learns nothing by GET: a code in the link, or as answered, is looked up for no stranger', async () => {
    const host = await createDeviceHost()
    const { user_code } = await startDevice(host, host.tv)
    const without = (text: string) => text.replace(/value="[^"]*"/g, '')
    const unknown = without((await openPage(host, '?answered=BBBB-BBBB')).text)
    expect(without((await openPage(host, `?answered=${user_code}`)).text)).toBe(unknown)
    await answerDevice(host, user_code)
    expect(without((await openPage(host, `?answered=${user_code}`, 'bob')).text)).toBe(unknown)
    host.storage.calls.length = 0
    await openPage(host, `?user_code=${user_code}`)
    expect(host.storage.calls).toEqual(['grants.insert'])
  })

  it('of an answered code does not tell it from an unknown one', async () => {
    const host = await createDeviceHost()
    const { user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    const shape = ({ text, status }: { text: string; status: number }) => [status, text.replace(/value="[^"]*"/g, '')]
    expect(shape(await enterCode(host, user_code, 'bob'))).toEqual(shape(await enterCode(host, 'BBBB-BBBB', 'bob')))
  })
})

it('a network that asks for codes in the name of a public client without end is told to wait, and other networks are not', async () => {
  const before = [(req: Request, _res: Response, next: NextFunction) => next(void req.app.set('trust proxy', 1))]
  const host = await createDeviceHost({ before })
  const ask = (address: string) => host.send(paths.deviceAuthorization, host.tv, {}).set('X-Forwarded-For', address)
  for (let n = 0; n < 300; n++) await ask('198.51.100.1').expect(200)
  const stored = host.storage.storedIds().length
  await ask('198.51.100.1').expect(429)
  expect(host.storage.storedIds()).toHaveLength(stored)
  await ask('198.51.100.2').expect(200)
})

describe('a forged form', () => {
  let host: DeviceHost
  let user_code: string
  let device_code: string
  beforeEach(async () => {
    host = await createDeviceHost()
    ;({ user_code, device_code } = await startDevice(host, host.tv))
  })
  const isPending = async () => (await poll(host, host.tv, device_code)).body.error === 'authorization_pending'

  it('of another site has no field of ours: nothing is looked up, and nothing approved', async () => {
    for (const form of [{ user_code }, { user_code, consent: 'allow' }, { user_code, device_transaction: 'x' }]) {
      host.storage.calls.length = 0
      const answer = await postPage(host, form).expect(400)
      expect(answer.text).toContain('Your last answer could not be used')
      expect(host.storage.calls).toEqual(['grants.insert'])
    }
    expect(await isPending()).toBe(true)
  })

  it('with the fields that the attacker got on a page of theirs lets in no device of the victim (session fixation)', async () => {
    const shown = await enterCode(host, user_code, 'bob')
    await pressButton(host, shown, 'allow', 'alice').expect(400)
    // only the second field is the attacker's
    const own = fieldsOf(await enterCode(host, user_code, 'alice'))
    const mixed = { ...fieldsOf(shown), device_transaction: own.device_transaction as string }
    host.clock.advance(0.5)
    await postPage(host, { ...mixed, consent: 'allow' }, 'alice').expect(400)
    expect(await isPending()).toBe(true)
  })

  it('that answers about one code does not answer about another', async () => {
    const other = await startDevice(host, host.tv)
    const shown = await enterCode(host, user_code)
    host.clock.advance(0.5)
    await postPage(host, { ...fieldsOf(shown), user_code: other.user_code, consent: 'allow' }).expect(400)
    expect(await isPending()).toBe(true)
    expect((await poll(host, host.tv, other.device_code)).body.error).toBe('authorization_pending')
  })

  it('without the consent page in between approves nothing, and neither does a consent field without its question', async () => {
    const { device_transaction = '' } = fieldsOf(await openPage(host))
    await postPage(host, { device_transaction, user_code, consent: 'allow' }).expect(200)
    await postPage(host, { device_transaction, user_code, consent: 'allow' }).expect(200)
    await postPage(host, { device_transaction, user_code, consent: 'allow', consent_transaction: 'x' }).expect(400)
    expect(await isPending()).toBe(true)
  })

  it('that was used for one code, right or wrong, opens no other one, also where the decider says yes to everything', async () => {
    host = await createDeviceHost({ decide: () => ({ allow: true, userId: 'alice' }) })
    const [first, second] = [await startDevice(host, host.tv), await startDevice(host, host.tv)]
    const form = fieldsOf(await openPage(host))
    await postPage(host, { ...form, user_code: first.user_code }).expect(303)
    await postPage(host, { ...form, user_code: second.user_code }).expect(400)
    const wrong = fieldsOf(await openPage(host))
    await postPage(host, { ...wrong, user_code: 'BBBB-BBBB' }).expect(400)
    await postPage(host, { ...wrong, user_code: second.user_code }).expect(400)
    expect((await poll(host, host.tv, second.device_code)).body.error).toBe('authorization_pending')
  })

  it('with a consent of the authorization endpoint, and one of this page there, are worth nothing', async () => {
    const mounted = await createDeviceHost({
      mount: (app, server) =>
        void app.use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false })),
    })
    const started = await startDevice(mounted, mounted.tv)
    const asked = fieldsOf(await mounted.authorize(mounted.web))
    const shown = fieldsOf(await enterCode(mounted, started.user_code))
    mounted.clock.advance(0.5)
    const { consent_transaction = '' } = asked
    await postPage(mounted, { ...shown, consent_transaction, consent: 'allow' }).expect(400)
    const query = mounted.authorizationRequest(mounted.web)
    const crossed = await mounted
      .http()
      .post(`${paths.authorize}?${query}`)
      .set('X-User', 'alice')
      .type('form')
      .send({ consent_transaction: shown.consent_transaction, consent: 'allow' })
    expect(crossed.status).toBe(400)
    expect((await poll(mounted, mounted.tv, started.device_code)).body.error).toBe('authorization_pending')
  })

  it('a form of a page that is older than ten minutes, or a code that ran out meanwhile, is worth nothing', async () => {
    const shown = await enterCode(host, user_code)
    host.clock.advance(600)
    await postPage(host, { ...fieldsOf(shown), consent: 'allow' }).expect(400)
    expect((await poll(host, host.tv, device_code)).body.error).toBe('expired_token')
  })
})

describe('a link from a stranger (§5.4)', () => {
  it('is never remembered: the user is asked each time, also where the app is let in already', async () => {
    const decide = consentPage({ signIn: '/login', remember: { publicClients: ['tv'] } })
    const host = await createDeviceHost({ decide })
    const first = await startDevice(host, host.tv)
    await answerDevice(host, first.user_code)
    await poll(host, host.tv, first.device_code).expect(200)
    const second = await startDevice(host, host.tv)
    const shown = await enterCode(host, second.user_code)
    expect(shown.text).toContain('Only continue if you started this on your device')
    expect((await poll(host, host.tv, second.device_code)).body.error).toBe('authorization_pending')
  })
})

describe('two at once', () => {
  it('answers, a yes and a no: the first counts, and the device gets one of them', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const [yes, no] = [await enterCode(host, user_code, 'alice'), await enterCode(host, user_code, 'bob')]
    host.clock.advance(0.5)
    const answers = await Promise.all([
      postPage(host, { ...fieldsOf(yes), consent: 'allow' }, 'alice'),
      postPage(host, { ...fieldsOf(no), consent: 'allow' }, 'bob'),
    ])
    expect(statuses(answers)).toEqual([303, 400])
    const { body } = await poll(host, host.tv, device_code).expect(200)
    const me = await host.me(body.access_token)
    expect(me.body.user.id).toBe(answers[0]?.status === 303 ? 'alice' : 'bob')
    expect(host.eventTypes().filter((type) => type === 'device.approved')).toHaveLength(1)
  })

  it('answers of one user, by a form that is sent twenty times: one counts', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const shown = await enterCode(host, user_code)
    host.clock.advance(0.5)
    const form = { ...fieldsOf(shown), consent: 'allow' }
    const answers = await Promise.all(Array.from({ length: RACERS }, () => postPage(host, form)))
    expect(new Set(statuses(answers)).has(303)).toBe(true)
    expect(host.eventTypes().filter((type) => type === 'device.approved')).toHaveLength(1)
    await poll(host, host.tv, device_code).expect(200)
    await postPage(host, form).expect(303)
    expect((await poll(host, host.tv, device_code)).body.error).toBe('invalid_grant')
  })

  it('polls after the yes: of twenty that all have seen it one gets tokens, and they live', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    const all = gate()
    let readers = 0
    host.storage.replace('grants.find', async (call) => {
      const found = await call()
      if (++readers === RACERS) all.open()
      await all.opened
      return found
    })
    const answers = await Promise.all(Array.from({ length: RACERS }, () => poll(host, host.tv, device_code)))
    host.storage.restore()
    const winners = answers.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    for (const { status, body } of answers) if (status !== 200) expect(body.error).toBe('invalid_grant')
    expect(await host.isAlive(winners[0]?.body)).toBe(true)
    expect(host.storage.storedIds().filter((id) => /~[abr]$/.test(id))).toHaveLength(2)
  })

  it('a poll and the yes: the poll that read before it never takes it back', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const shown = await enterCode(host, user_code)
    const pause = host.storage.pauseBefore('grants.transition')
    const polled = poll(host, host.tv, device_code).then((answer) => answer)
    await pause.reached
    await pressButton(host, shown).expect(303)
    pause.resume()
    // it looks again, and finds the yes
    expect((await polled).status).toBe(200)
  })
})

describe('others who poll', () => {
  it('another client with the code learns nothing of it, changes nothing, and makes nobody wait', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const thief = await host.register({ tokenEndpointAuthMethods: ['none'], grantTypes: [deviceGrant] })
    const before = host.storage.stored(device_code.slice(0, device_code.indexOf('.')))
    const answers = []
    for (let n = 0; n < 3; n++) answers.push((await poll(host, thief, device_code)).body.error)
    await answerDevice(host, user_code, 'deny')
    answers.push((await poll(host, thief, device_code)).body.error)
    host.clock.advance(600)
    answers.push((await poll(host, thief, device_code)).body.error)
    expect(new Set(answers)).toEqual(new Set(['invalid_grant']))
    expect(before?.data).not.toHaveProperty('polledAt')
  })

  it('a user code, a device code and other secrets are each good at their own door only', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    expect((await host.exchange(host.web, device_code)).body.error).toBe('invalid_grant')
    expect((await host.refresh(host.tv, device_code)).body.error).toBe('invalid_grant')
    await host.me(device_code).expect(401)
    expect((await host.introspect(host.web, device_code)).body).toEqual({ active: false })
    await host.revoke(host.tv, device_code).expect(200)
    await poll(host, host.tv, device_code).expect(200)
  })
})

it('a row whose answer and columns differ opens nothing: an adapter that loses the user makes nobody of nothing', async () => {
  const changes: Record<string, object> = {
    user: { userId: 'bob' },
    nobody: { userId: undefined },
    scope: { scope: ['read', 'write', 'admin'] },
    time: { startedAt: 1 },
    state: { state: 'approved', data: {} },
  }
  for (const [what, change] of Object.entries(changes)) {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    await answerDevice(host, user_code)
    host.storage.replace('grants.find', async (call) => ({ ...((await call()) as object), ...change }))
    expect([what, (await poll(host, host.tv, device_code)).status]).toEqual([what, 400])
  }
})

it('an answer that an adapter has made more of is none: no scope and no details but what the device asked for', async () => {
  const payment = { members: ['amount'], check: () => {}, describe: () => 'Pay' }
  const asked = [{ type: 'payment', amount: '10' }]
  const more: Record<string, object> = {
    'as it was': {},
    scope: { scope: ['read', 'write'] },
    'another payment': { authorizationDetails: [{ type: 'payment', amount: '999' }] },
    'one more': { authorizationDetails: [...asked, { type: 'payment', amount: '999' }] },
  }
  for (const [what, change] of Object.entries(more)) {
    const host = await createHost({
      authorizationDetails: { payment },
      grants: [authorizationCode(), refreshToken(), deviceCode()],
    })
    const sent = { scope: 'read', authorization_details: JSON.stringify(asked) }
    const { device_code, user_code } = await startDevice(host, host.web, sent)
    await answerDevice(host, user_code)
    host.storage.replace('grants.find', async (call) => {
      const row = (await call()) as { kind: string; scope: string[]; data: { answer: { scope: string[] } } }
      if (row?.kind !== 'device_code') return row
      const answer = { ...row.data.answer, ...change }
      return { ...row, scope: answer.scope, data: { ...row.data, answer } }
    })
    const { status } = await poll(host, host.web, device_code)
    expect([what, status]).toEqual([what, what === 'as it was' ? 200 : 400])
  }
})

it('details that its user was not shown are in no token, whatever the record says before and after', async () => {
  const type = { members: ['amount'], check: () => {}, describe: ({ type }: { type: string }) => `For a ${type}` }
  const host = await createHost({
    authorizationDetails: { payment: type, account: type },
    grants: [authorizationCode(), refreshToken(), deviceCode()],
  })
  const asked = JSON.stringify([{ type: 'payment', amount: '999' }, { type: 'account' }])
  const { device_code, user_code } = await startDevice(host, host.web, { scope: 'read', authorization_details: asked })
  await updateClient(host.server, 'web', { authorizationDetailsTypes: ['account'] })
  const page = await enterCode(host, user_code)
  expect([page.text.includes('For a payment'), page.text.includes('For a account')]).toEqual([false, true])
  await answerDevice(host, user_code)
  await updateClient(host.server, 'web', { authorizationDetailsTypes: ['account', 'payment'] })
  const { body } = await poll(host, host.web, device_code).expect(200)
  expect(body.authorization_details).toEqual([{ type: 'account' }])
  const renewed = await host.refresh(host.web, body.refresh_token).expect(200)
  expect(renewed.body.authorization_details).toEqual([{ type: 'account' }])
})
