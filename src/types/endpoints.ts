/** The endpoints by name: their conventional paths and their metadata members. Types only. */

/** One endpoint: its conventional path, and the metadata member that contains its URL (RFC 8414 §2). */
interface EndpointRow {
  readonly path: string
  readonly member?: string
}

/** The endpoints of the core. No RFC defines a metadata member for the clients API. */
export const coreEndpoints = {
  authorize: { path: '/oauth2/authorize', member: 'authorization_endpoint' },
  token: { path: '/oauth2/token', member: 'token_endpoint' },
  revoke: { path: '/oauth2/revoke_token', member: 'revocation_endpoint' },
  introspect: { path: '/oauth2/introspect', member: 'introspection_endpoint' },
  register: { path: '/oauth2/register', member: 'registration_endpoint' },
  clients: { path: '/oauth2/clients' },
} as const satisfies Readonly<Record<string, EndpointRow>>

/** The paths where the host mounted the routers, absolute from the root of the origin. */
export type Endpoints = { readonly [Name in keyof typeof coreEndpoints]?: string } & {
  /** Endpoints that a value in a list of the server adds. An unknown name throws a TypeError at start-up. */
  readonly [name: string]: string | undefined
}

/** The web pages that may call an endpoint from a browser (CORS). */
export interface CorsOptions {
  /** `true` or `'*'` for every origin. Otherwise the origins that may call. */
  origin: boolean | string | RegExp | (string | RegExp)[]
  /** How long a browser may cache a preflight response. Seconds. @default the browser's */
  maxAge?: number
}
