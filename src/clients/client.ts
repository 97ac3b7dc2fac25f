/** What a client record says about what the client may do. */

import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { grantTypesOf } from './members'

/** A refresh token comes with every user's authorization whose client may use the refresh token grant. */
export function getsRefreshToken(server: AuthorizationServer, client: Client): boolean {
  return server.refreshTokens !== undefined && grantTypesOf(client).includes('refresh_token')
}
