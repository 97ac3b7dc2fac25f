/** The endpoints by name, and where the host mounted them. */

/** Where the host mounted the routers: absolute paths from the root of its origin. */
export interface Endpoints {
  readonly authorize?: string
  readonly token?: string
  readonly revoke?: string
  readonly introspect?: string
  readonly register?: string
}

export const endpointNames: readonly string[] = [
  'authorize',
  'token',
  'revoke',
  'introspect',
  'register',
] satisfies (keyof Endpoints)[]
