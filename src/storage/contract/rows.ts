/**
 * The rows of the tests: valid, with as few members as possible. The ids in one call share the part before the first
 * `~`, so that a sharded store can keep them together.
 */
import type { Client, Credential, Grant } from '../../storage'

export const NOW = 1_800_000_000
export const MINUTE = 60
export const HOUR = 3600
export const DAY = 86_400

export function client(members: Partial<Client> = {}): Client {
  return {
    clientId: 'client-1',
    version: 1,
    secrets: [],
    redirectUris: ['https://app.example/callback'],
    tokenEndpointAuthMethods: ['none'],
    createdAt: NOW,
    updatedAt: NOW,
    ...members,
  }
}

export function grant(members: Partial<Grant> = {}): Grant {
  return { id: 'g1', clientId: 'client-1', scope: ['read'], startedAt: NOW, expiresAt: NOW + DAY, data: {}, ...members }
}

/** An access token, unless `members` differ. It has no grant and no user. */
export function credential(members: Partial<Credential> = {}): Credential {
  return {
    id: 'g1~access',
    kind: 'access_token',
    state: 'valid',
    digest: '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
    clientId: 'client-1',
    scope: ['read'],
    startedAt: NOW,
    issuedAt: NOW,
    expiresAt: NOW + HOUR,
    data: {},
    ...members,
  }
}

/** An authorization code before its exchange, without a grant. */
export function code(members: Partial<Credential> = {}): Credential {
  return credential({ id: 'g1~code', kind: 'authorization_code', state: 'fresh', expiresAt: NOW + MINUTE, ...members })
}

/** The code after its exchange for a grant. */
export function used(code: Credential, grantId = 'g1'): Credential {
  return { ...code, state: 'used', grantId }
}
