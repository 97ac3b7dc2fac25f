/** What is wrong with a server can often be seen from inside before its users do: checks at start-up, and their warnings. */
import type { WarningCode } from './events'
import { isMemoryStorage } from './storage/memory'
import type { AuthorizationServer } from './types'

/** Warns of each thing once: through `onEvent`, and on the console, where somebody looks who has no listener for it. */
export function warner(emit: AuthorizationServer['emit']): AuthorizationServer['warn'] {
  const warned = new Set<WarningCode>()
  return (code, message) => {
    if (warned.has(code)) return
    warned.add(code)
    emit({ type: 'warning', code, message })
    console.warn(`express-authorization-server: ${code}: ${message}`)
  }
}

/** The checks that need no request. */
export function checkServer(server: AuthorizationServer, storage: unknown): void {
  const { issuer, refreshTokens, accessTokens, warn } = server
  if (process.env.NODE_ENV === 'production') {
    if (isMemoryStorage(storage)) {
      warn('memory_storage_in_production', 'memoryStorage() forgets every client and token when the process ends')
    }
    if (issuer.startsWith('http:')) {
      warn('http_issuer_in_production', `the issuer is ${issuer}; tokens and codes need https on their way`)
    }
  }
  if (refreshTokens?.rotate && refreshTokens.replayWindow > accessTokens.ttl) {
    const { replayWindow } = refreshTokens
    const message = `replayWindow (${replayWindow} s) is longer than an access token lives (${accessTokens.ttl} s)`
    warn('replay_window_exceeds_access_token', `${message}, so a replayed response can hold one that has expired`)
  }
}
