/** Who a user is to a client: the `sub` of id_tokens and of userinfo (OpenID Connect Core §8). */
import { grantTypesOf, isWrittenByOthers } from '../clients/client'
import { invalid } from '../clients/member-checks'
import { fingerprint, sharedKey } from '../crypto'
import { isLoopbackAddress, isPublicAddress } from '../fetch/public-address'
import { fetchList, hasPlace } from '../fetch/untrusted'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { staysOnDevice } from '../rules/redirect-uri'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { Subjects } from '../types/openid'

/** Core §8.1: the same for every client, and here the id of the user. */
export const publicSubjects: Subjects = Object.freeze({
  type: 'public',
  subjectOf: (_server: AuthorizationServer, _client: Client, userId: string) => verifiedSubject(userId),
})

/** Options of `pairwise`. */
export interface PairwiseOptions {
  /**
   * A secret of at least 32 bytes, such as `randomBytes(32).toString('base64')`. It must never change: with another one
   * every user is somebody else to every client.
   */
  salt: string | Uint8Array
}

/**
 * Another `sub` for the users of each sector (OpenID Connect Core §8.1), so that clients cannot compare whom they know:
 * `openid({ subject: pairwise({ salt }) })`. A sector is the host of the redirect URIs of a client, or of its
 * `sectorIdentifierUri`; an app on its users' devices is one of its own.
 *
 * @throws TypeError for a salt of less than 32 bytes.
 */
export function pairwise(options: PairwiseOptions): Subjects {
  requireNoMore('pairwise', arguments, 1)
  requireKnown('pairwise option', options ?? null, ['salt'], ['salt'])
  const { salt } = options
  if (typeof salt !== 'string' && !(salt instanceof Uint8Array)) {
    throw misuse('weak_secret', `pairwise needs salt: a secret of at least 32 bytes, not ${kindOf(salt)}`)
  }
  if (Buffer.byteLength(salt) < 32) throw misuse('weak_secret', 'pairwise({ salt }) must have at least 32 bytes')
  const key = sharedKey(typeof salt === 'string' ? salt : Buffer.from(salt).toString('base64'))
  return Object.freeze({
    type: 'pairwise',
    subjectOf: (_server: AuthorizationServer, client: Client, userId: string) =>
      fingerprint(key, ['pairwise', sectorOf(client), userId]),
  } satisfies Subjects)
}

type Described = Pick<
  Client,
  'clientId' | 'redirectUris' | 'sectorIdentifierUri' | 'origin' | 'username' | 'grantTypes'
>

/** §8.1. Throws for a record of which no sector can be told: it is from before there were any. */
function sectorOf(client: Described): string {
  const { clientId, sectorIdentifierUri, origin } = client
  const own = `client ${clientId}`
  if (isWrittenByOthers(client) && !answersAtHostsAlone(client)) return own
  // what a document says of its sector nobody has asked that sector about
  if (sectorIdentifierUri !== undefined && origin !== 'metadata_document') return new URL(sectorIdentifierUri).hostname
  const [host, other] = webHosts(client)
  if (other === undefined) return host ?? own
  // nor is it the host's to mend
  if (origin === 'metadata_document') return own
  const fix = 'set sectorIdentifierUri in its record'
  throw misuse(
    'wrong_record',
    `The redirect URIs of the client ${clientId} have several hosts, so that it has no sector: ${fix}`,
  )
}

/** The grants whose answers go to a redirect URI, and one that has no user. */
const byRedirect: readonly string[] = ['authorization_code', 'refresh_token', 'implicit', 'client_credentials']

/**
 * Whether only the hosts of its redirect URIs ever learn a `sub`. Who writes a record of their own may name the host of
 * somebody else in it, and would learn the `sub` of that sector on a device, or by a grant without a redirect.
 */
function answersAtHostsAlone(client: Described): boolean {
  return grantTypesOf(client).every((grant) => byRedirect.includes(grant)) && !client.redirectUris.some(staysOnDevice)
}

/** The hosts of its redirect URIs. On the user's own device every app has the same one, which is none. */
function webHosts({ redirectUris }: Pick<Client, 'redirectUris'>): string[] {
  return [...new Set(redirectUris.filter((uri) => !staysOnDevice(uri)).map((uri) => new URL(uri).hostname))]
}

const fetching = new Set<{ readonly url: string }>()

/**
 * OpenID Connect Dynamic Client Registration §5: a sector must name each redirect URI of whoever claims to be of it. Throws
 * `invalid_client_metadata`.
 */
export async function verifySector(
  { type }: Subjects,
  withLoopback: boolean,
  client: Pick<Client, 'redirectUris' | 'sectorIdentifierUri'>,
): Promise<void> {
  const { redirectUris, sectorIdentifierUri: url } = client
  if (url === undefined) {
    if (type === 'public' || webHosts(client).length < 2) return
    throw invalid('redirect_uris with several hosts need sector_identifier_uri')
  }
  if (
    !hasPlace(
      [...fetching].map((other) => other.url),
      url,
    )
  )
    throw invalid('sector_identifier_uri cannot be fetched now')
  const place = { url }
  fetching.add(place)
  const mayConnectTo = (address: string) => isPublicAddress(address) || (withLoopback && isLoopbackAddress(address))
  // what went wrong on the way is no stranger's business
  const listed = await fetchList(url, mayConnectTo)
    .catch(() => {
      throw invalid('sector_identifier_uri must be the URL of a JSON list, and it could not be fetched')
    })
    .finally(() => fetching.delete(place))
  if (redirectUris.every((uri) => listed.members.includes(uri))) return
  throw invalid('the list at sector_identifier_uri must have each of redirect_uris')
}

/** Core §2: at most 255 ASCII characters. Throws where a host's id is none. */
function verifiedSubject(userId: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(userId)) return userId
  const fix = 'give the user another id, or set openid({ subject: pairwise({ salt }) })'
  throw misuse('wrong_id', `The id of a user must be at most 255 ASCII characters to be the sub of an id_token: ${fix}`)
}
