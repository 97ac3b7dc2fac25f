/** Checks whether the storage responds, for readiness probes. */
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { GRANT_ID_BYTES, randomToken } from '../crypto'
import { type OAuthError, toOAuthError } from '../errors'
import { requireServer } from '../http/endpoint'
import { requireNoMore } from '../options/known'
import type { AuthorizationServer } from '../types/authorization-server'

type Health = { ok: true; milliseconds: number } | { ok: false; milliseconds: number; error: OAuthError }

const underWay = new WeakMap<AuthorizationServer, Promise<Health>>()

/**
 * Checks the storage with one cheap round trip, which ends after `storageTimeout`. It never throws for a failing
 * storage: then `ok` is false, and `error.cause` says why. Concurrent calls share one round trip, so strangers' probes
 * cost little. For readiness: `app.get('/ready', async (req, res) => res.sendStatus((await storageHealth(server)).ok ?
 * 200 : 503))`.
 */
export function storageHealth(server: AuthorizationServer): Promise<Health> {
  requireNoMore('storageHealth', arguments, 1)
  requireServer(server)
  const begun = underWay.get(server) ?? ask(server).finally(() => underWay.delete(server))
  underWay.set(server, begun)
  return begun
}

async function ask({ storage }: AuthorizationServer): Promise<Health> {
  const began = performance.now()
  const milliseconds = () => Math.round(performance.now() - began)
  try {
    // a random id, so that in a cluster each check asks another node
    await storage.grants.find(lookupId(randomToken(GRANT_ID_BYTES), lookupSuffix.consent))
    return { ok: true, milliseconds: milliseconds() }
  } catch (error) {
    return { ok: false, milliseconds: milliseconds(), error: toOAuthError(error) }
  }
}
