// `storageHealth` is for readiness probes: it says yes or no in time, and costs the storage next to nothing.
import { bearerGuard, type OAuthError, storageHealth } from '../../src/index'
import { createHost } from '../support/host'

it('is one find of an id that is not there, and says how long it took', async () => {
  const host = await createHost()
  expect(await storageHealth(host.server)).toEqual({ ok: true, milliseconds: expect.any(Number) })
  expect(host.storage.calls).toEqual(['grants.find'])
  expect(host.events).toEqual([])
})

it('is no, with the cause, for a storage that is away, and yes when it is back', async () => {
  const host = await createHost()
  host.storage.replace('grants.find', () => Promise.reject(new Error('away')))
  const health = await storageHealth(host.server)
  expect(health).toEqual({ ok: false, milliseconds: expect.any(Number), error: expect.any(Error) })
  expect((health as { error: OAuthError }).error).toMatchObject({ status: 503, cause: { message: 'away' } })
  host.storage.restore()
  expect((await storageHealth(host.server)).ok).toBe(true)
})

it('is no within storageTimeout for a storage that hangs', async () => {
  const host = await createHost({ storageTimeout: 1 })
  host.storage.replace('grants.find', () => new Promise(() => {}))
  const { ok, milliseconds } = await storageHealth(host.server)
  expect(ok).toBe(false)
  expect(milliseconds).toBeGreaterThanOrEqual(999)
})

it('asks once for all who ask at once, so that the probes of strangers cost nothing', async () => {
  const host = await createHost()
  const late = host.storage.pauseBefore('grants.find')
  const probes = Array.from({ length: 100 }, () => storageHealth(host.server))
  await late.reached
  late.resume()
  expect((await Promise.all(probes)).every(({ ok }) => ok)).toBe(true)
  expect(host.storage.calls).toEqual(['grants.find'])
})

it('takes a server of this process only', () => {
  expect(() => storageHealth({} as never)).toThrow(/value that createAuthorizationServer returned/)
  expect(() => storageHealth(bearerGuard as never)).toThrow(TypeError)
})
