/** The authorization server for operator commands: the host's storage, without rules of its own. */
import { OAuthError } from '../../errors'
import { authorizationCode } from '../../grants/authorization-code'
import { clientCredentials } from '../../grants/client-credentials'
import { refreshToken } from '../../grants/refresh-token'
import { createAuthorizationServer } from '../../server'
import type { AuthorizationServer, GrantType } from '../../types/authorization-server'
import type { OpenDatabase } from './database'

/**
 * The values that a client record may name. The command does not know the host's options, so it accepts the call's own.
 */
interface Known {
  readonly scopes?: readonly string[]
  readonly grantTypes?: readonly string[]
  readonly resources?: readonly string[]
}

/** Seconds for a call of the storage. A list of many grants takes time. */
const PATIENCE = 30

/** Only host functions are called on it. No request reaches it, so its issuer does not matter. */
export function operatorServer({ storage }: OpenDatabase, known: Known = {}): AuthorizationServer {
  const { scopes = [], grantTypes = [], resources = [] } = known
  const grants: GrantType[] = [authorizationCode(), clientCredentials(), refreshToken()]
  const others = [...new Set(grantTypes)].filter((name) => !grants.some(({ grantType }) => grantType === name))
  return createAuthorizationServer({
    issuer: 'https://command.invalid',
    storage,
    storageTimeout: PATIENCE,
    scopes,
    resources,
    grants: [...grants, ...others.map((grantType) => ({ grantType, handle: unused }))],
    // a failure ends the command with a sentence: it is not reported twice
    onEvent: () => {},
  })
}

function unused(): never {
  throw new OAuthError('server_error', 'This server takes no requests.')
}
