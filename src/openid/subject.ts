/** The `sub` of a user in id_tokens and userinfo (OpenID Connect Core §8). */
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

/** Core §8.1: the same `sub` for every client: the id of the user. */
export const publicSubjects: Subjects = Object.freeze({
  type: 'public',
  subjectOf: (_server: AuthorizationServer, _client: Client, userId: string) => verifiedSubject(userId),
})

/** Options of `pairwise`. */
export interface PairwiseOptions {
  /**
   * A secret of at least 32 bytes, such as `randomBytes(32).toString('base64')`. It must never change: every user would
   * get a new `sub` at every client.
   */
  salt: string | Uint8Array
}

/**
 * Makes a different `sub` for each sector (OpenID Connect Core §8.1), so that clients cannot compare their users:
 * `openid({ subject: pairwise({ salt }) })`. The sector of a client is the host of its redirect URIs or of its
 * `sectorIdentifierUri`. An app on its users' devices is a sector of its own.
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

/** §8.1. Throws if the record has no sector: it is older than the option. */
function sectorOf(client: Described): string {
  const { clientId, sectorIdentifierUri, origin } = client
  const own = `client ${clientId}`
  if (isWrittenByOthers(client) && !answersAtHostsAlone(client)) return own
  // a document's sector is not verified with that sector
  if (sectorIdentifierUri !== undefined && origin !== 'metadata_document') return new URL(sectorIdentifierUri).hostname
  const [host, other] = webHosts(client)
  if (other === undefined) return host ?? own
  // the host cannot fix a document
  if (origin === 'metadata_document') return own
  const fix = 'set sectorIdentifierUri in its record'
  throw misuse(
    'wrong_record',
    `The redirect URIs of the client ${clientId} have several hosts, so that it has no sector: ${fix}`,
  )
}

/** Grants whose responses go to a redirect URI, and one without a user. */
const byRedirect: readonly string[] = ['authorization_code', 'refresh_token', 'implicit', 'client_credentials']

/**
 * Whether a `sub` reaches only the hosts of the redirect URIs. Otherwise anyone could name another's host in a record,
 * and learn that sector's `sub` on a device, or by a grant without a redirect.
 */
function answersAtHostsAlone(client: Described): boolean {
  return grantTypesOf(client).every((grant) => byRedirect.includes(grant)) && !client.redirectUris.some(staysOnDevice)
}

/** The hosts of the redirect URIs. Not loopback and app schemes, which all apps on a device share. */
function webHosts({ redirectUris }: Pick<Client, 'redirectUris'>): string[] {
  return [...new Set(redirectUris.filter((uri) => !staysOnDevice(uri)).map((uri) => new URL(uri).hostname))]
}

const fetching = new Set<{ readonly url: string }>()

/**
 * OpenID Connect Dynamic Client Registration §5: the sector's document must list each redirect URI of the client.
 * Throws `invalid_client_metadata`.
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
  // a stranger must not learn why the fetch failed
  const listed = await fetchList(url, mayConnectTo)
    .catch(() => {
      throw invalid('sector_identifier_uri must be the URL of a JSON list, and it could not be fetched')
    })
    .finally(() => fetching.delete(place))
  if (redirectUris.every((uri) => listed.members.includes(uri))) return
  throw invalid('the list at sector_identifier_uri must have each of redirect_uris')
}

/** Core §2: at most 255 ASCII characters. Throws for another id of the host. */
function verifiedSubject(userId: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(userId)) return userId
  const fix = 'give the user another id, or set openid({ subject: pairwise({ salt }) })'
  throw misuse('wrong_id', `The id of a user must be at most 255 ASCII characters to be the sub of an id_token: ${fix}`)
}
