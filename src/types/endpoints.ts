/** The endpoints by name: one table of where each is by convention, and which member of the metadata names it. */

/** One row: the conventional path, and the member of RFC 8414 §2 that has its URL. */
interface EndpointRow {
  readonly path: string
  readonly member?: string
}

/** The endpoints of the core. No RFC has a member for the clients API. */
export const coreEndpoints = {
  authorize: { path: '/oauth2/authorize', member: 'authorization_endpoint' },
  token: { path: '/oauth2/token', member: 'token_endpoint' },
  revoke: { path: '/oauth2/revoke_token', member: 'revocation_endpoint' },
  introspect: { path: '/oauth2/introspect', member: 'introspection_endpoint' },
  register: { path: '/oauth2/register', member: 'registration_endpoint' },
  clients: { path: '/oauth2/clients' },
} as const satisfies Readonly<Record<string, EndpointRow>>

/** Where the host mounted the routers: absolute paths from the root of its origin. */
export type Endpoints = { readonly [Name in keyof typeof coreEndpoints]?: string } & {
  /** Those that a value in a list of the server adds. An unknown name throws at start-up. */
  readonly [name: string]: string | undefined
}

/** Which web pages may call an endpoint from a browser (CORS). */
export interface CorsOptions {
  /** `true` or `'*'` for every origin; otherwise the origins that may call. */
  origin: boolean | string | RegExp | (string | RegExp)[]
  /** Seconds for which a browser may cache a preflight response. @default the browser's */
  maxAge?: number
}
