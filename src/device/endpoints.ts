/** The two endpoints of the device flow: names, conventional paths, and URLs. */
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'

/** RFC 8628 §3.4. */
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

export const DEVICE_AUTHORIZATION = 'deviceAuthorization'
export const DEVICE_PAGE = 'device'

/** The second is short, because users type it. */
export const paths = { [DEVICE_AUTHORIZATION]: '/oauth2/device_authorization', [DEVICE_PAGE]: '/device' } as const

/** The URL of the endpoint. Throws a TypeError if the server does not have its path. */
export function requirePath(
  owner: string,
  { issuer, endpoints }: AuthorizationServer,
  name: keyof typeof paths,
): string {
  const path = endpoints[name]
  if (path !== undefined) return `${new URL(issuer).origin}${path}`
  const fix = `set createAuthorizationServer({ endpoints: { ${name}: '${paths[name]}' } })`
  throw misuse('missing_option', `${owner} needs endpoints.${name} for deviceCode(): ${fix}`)
}

/** @throws TypeError for a server without `deviceCode()`. */
export function requireDeviceCode(owner: string, { grants }: AuthorizationServer) {
  const grant = grants.get(DEVICE_CODE)
  if (grant) return grant
  throw misuse('missing_capability', `${owner} needs deviceCode() in the grants of the server`)
}
