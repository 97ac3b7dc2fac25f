// ATTACKS.md row 47, the host's side: strangers who ask for more than there is must not fill its log. An overload is no
// error: an event of its own, at most one a second.
import { type AuthorizationServerEvent, bcryptPasswords, OAuthError, password } from '../../src/index'
import { inTurn } from '../../src/passwords/concurrency'
import { createHost, type Host } from '../support/host'

const verify = bcryptPasswords({ findByUsername: () => undefined })
const busy = () => {
  throw new OAuthError('temporarily_unavailable', 'Too many sign-ins at once.', { status: 503 })
}
const signIn = (host: Host) => host.token(host.web, { grant_type: 'password', username: 'ana', password: 'guess' })
const overloads = (host: Host) => host.events.filter(({ type }) => type !== 'client.created')

it('is told once a second, with how many were not told, and without a stack', async () => {
  const host = await createHost({
    grants: [password({ verify: Object.assign(verify.bind(null), { requirePlace: busy }) })],
  })
  host.events.length = 0
  for (let n = 0; n < 71; n++) await signIn(host).expect(503)
  expect(overloads(host)).toEqual([{ type: 'server.overloaded', untold: 0, at: host.clock.now }])
  host.clock.advance(1)
  await signIn(host).expect(503)
  await signIn(host).expect(503)
  expect(overloads(host).at(-1)).toEqual({ type: 'server.overloaded', untold: 70, at: host.clock.now })
  expect(host.events).toHaveLength(2)
  host.clock.advance(60)
  await signIn(host).expect(503)
  expect(overloads(host).at(-1)).toEqual({ type: 'server.overloaded', untold: 1, at: host.clock.now })
})

it('is told where one network has taken all its places', async () => {
  const host = await createHost({ grants: [password({ verify })] })
  let leave = () => {}
  const waits = new Promise<void>((resolve) => {
    leave = resolve
  })
  const places = Array.from({ length: 128 }, () => inTurn('127.0.0.1', () => waits))
  host.events.length = 0
  await signIn(host).expect(503)
  leave()
  await Promise.all(places)
  expect(host.eventTypes()).toEqual(['server.overloaded'])
})

it('is not printed where the host has no listener', async () => {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => {})
  const host = await createHost({
    onEvent: undefined as unknown as (event: AuthorizationServerEvent) => void,
    grants: [password({ verify: Object.assign(verify.bind(null), { requirePlace: busy }) })],
  })
  await signIn(host).expect(503)
  expect(printed).not.toHaveBeenCalled()
  printed.mockRestore()
})
