// ATTACKS.md row 16: a page that was brought under a double click is not answered by its second half, and whoever is quick
// can answer all the same.
import { consentPage, listGrants } from '../../src/index'
import { answerConsent, askConsent, fieldsOf } from '../support/consent'
import { answerOf, createHost, type Host } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost({ decide: consentPage({ signIn: '/login' }) })
})
const press = (query: string, fields: Record<string, string>, after: number, consent = 'allow') =>
  answerConsent(host, query, fields, { after, consent })

it.each([0, 0.2, 0.499])('a yes %d s after the page is none, and is asked for once more', async (after) => {
  const { query, fields } = await askConsent(host, host.web)
  const again = await press(query, fields, after)
  expect([again.status, again.headers.location]).toEqual([400, undefined])
  expect(again.text).toMatch(/role="alert">[^<]*too soon/)
  expect(await listGrants(host.server)).toEqual([])
  // and the first page is used up
  const late = await press(query, fields, 5)
  expect(late.headers).not.toHaveProperty('location')
})

it('half a second after the page it counts', async () => {
  const { query, fields } = await askConsent(host, host.web)
  expect(answerOf(await press(query, fields, 0.5))).toHaveProperty('code')
})

it.each([0, -30, 3])(
  'the second answer counts however fast it comes, and whatever the clock says: %d s',
  async (after) => {
    const { query, fields } = await askConsent(host, host.web)
    const again = await press(query, fields, 0)
    expect(answerOf(await press(query, fieldsOf(again), after))).toHaveProperty('code')
  },
)

it('a clock of another process that is behind asks once more, and no oftener', async () => {
  const { query, fields } = await askConsent(host, host.web)
  const again = await press(query, fields, -5)
  expect(again.headers).not.toHaveProperty('location')
  expect(answerOf(await press(query, fieldsOf(again), 0))).toHaveProperty('code')
})

it('a question whose time is lost in storage is none: it is asked anew, and read before it is answered', async () => {
  const { query, fields } = await askConsent(host, host.web)
  const id = (fields.consent_transaction as string).split('.')[0] as string
  const row = await host.storage.grants.find(id)
  if (!row) throw new Error('There is no question')
  const { askedAt, ...bound } = row.data.bound as { askedAt?: number }
  expect(askedAt).toBeDefined()
  await host.storage.grants.transition(id, 'pending', { ...row, data: { ...row.data, bound } }, [])
  const again = await press(query, fields, 5)
  expect(again.headers).not.toHaveProperty('location')
  const tooSoon = await press(query, fieldsOf(again), 0)
  expect(tooSoon.headers).not.toHaveProperty('location')
  expect(answerOf(await press(query, fieldsOf(tooSoon), 0))).toHaveProperty('code')
})

it('a no counts at once', async () => {
  const { query, fields } = await askConsent(host, host.web)
  expect(answerOf(await press(query, fields, 0, 'deny'))).toMatchObject({ error: 'access_denied' })
})

it('only a yes to a question that was shown brings the page that may be answered at once', async () => {
  const { query, fields } = await askConsent(host, host.web)
  for (const forged of [{}, { consent_transaction: 'x' }, { consent_transaction: `${fields.consent_transaction}x` }]) {
    const shown = await press(query, forged, 0)
    const again = await press(query, fieldsOf(shown), 0)
    expect(again.headers).not.toHaveProperty('location')
  }
  expect(await listGrants(host.server)).toEqual([])
})

it('a clock of whole seconds asks within the second, and lets nobody wait longer', async () => {
  const clock = { now: 1_800_000_000.9 }
  host = await createHost({ decide: consentPage({ signIn: '/login' }), now: () => Math.floor(clock.now) })
  const { query, fields } = await askConsent(host, host.web)
  clock.now += 1
  expect(answerOf(await press(query, fields, 0))).toHaveProperty('code')
})
