/** The authorization server as an operator's commands need it: the host's storage, and no rule of its own. */
import { OAuthError } from '../../errors'
import { authorizationCode } from '../../grants/authorization-code'
import { clientCredentials } from '../../grants/client-credentials'
import { refreshToken } from '../../grants/refresh-token'
import { createAuthorizationServer } from '../../server'
import type { AuthorizationServer, GrantType } from '../../types/authorization-server'
import type { OpenDatabase } from './database'

/** What a client's record may name. The command does not know the host's options, so it is what the call itself names. */
interface Known {
  readonly scopes?: readonly string[]
  readonly grantTypes?: readonly string[]
  readonly resources?: readonly string[]
}

/** Seconds in which a call of the storage must have its answer. A list of many grants takes its time. */
const PATIENCE = 30

/** Only what hosts call is called on it: no request ever reaches it, so its issuer is nobody's. */
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
    // a failure ends the command with a sentence: it is not told twice
    onEvent: () => {},
  })
}

function unused(): never {
  throw new OAuthError('server_error', 'This server takes no requests.')
}
