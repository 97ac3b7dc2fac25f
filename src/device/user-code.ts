/** The user code of a device (RFC 8628 §6.1): how it is made, how users may type it, and its row. */

import { boundBy, boundOf, credentialOf, findCredential, hasSecret, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { randomIndex, sha256 } from '../crypto'
import { storageFailure } from '../errors'
import type { Credential } from '../storage'
import type { Authorization } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'

/** RFC 8628 §6.1: without vowels, so that no code is a word, and without lookalikes of digits. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
/** The longest input, including spaces and dashes. */
const MOST_CHARACTERS = 64
/** Attempts to draw a free code. Of 25 billion codes, ten in a row are taken only if the store says so of every id. */
const MOST_DRAWS = 10

const spelling = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`)
/** Separators that users may type: spaces, dashes and points of every script. */
const between = /[\p{White_Space}\p{Pd}\p{Cf}.·]/gu

/** A new code as it is shown: `WDJB-MJHT`. */
export function newUserCode(): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomIndex(ALPHABET.length)])
  return formatted(letters.join(''))
}

function formatted(letters: string): string {
  return `${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}`
}

/** Returns an entered code as it is shown, from any case, spaces and dashes. Undefined for another text. */
export function parseUserCode(text: string): string | undefined {
  if (text.length > MOST_CHARACTERS) return undefined
  // includes full-width letters, which East Asian keyboards type
  const letters = text
    .normalize('NFKC')
    .replace(between, '')
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
  return spelling.test(letters) ? formatted(letters) : undefined
}

/**
 * Stores a user code for this device code and returns it. Draws again if the code is taken: the id of the row is its
 * hash, so that two devices cannot get the same code.
 */
export async function storeUserCode(
  { storage }: AuthorizationServer,
  device: string,
  authorization: Authorization,
  lifetime: Pick<Credential, 'issuedAt' | 'expiresAt'>,
): Promise<string> {
  const bound = boundBy({ ...authorization, device })
  for (let drawn = 0; drawn < MOST_DRAWS; drawn++) {
    const code = newUserCode()
    const made = { id: userCodeId(code), kind: 'user_code', secret: code, state: 'issued' }
    if (await storage.grants.insert([credentialOf(made, authorization, lifetime, bound)])) return code
  }
  throw storageFailure(new Error(`storage.grants.insert returned false for ${MOST_DRAWS} new ids`))
}

/** Finds the device code of a user code, whatever its state. Undefined if the user code is unknown or expired. */
export async function findDeviceCode(server: AuthorizationServer, code: string): Promise<Credential | undefined> {
  const row = await findCredential(server, userCodeId(code), 'user_code')
  if (!row || !hasSecret(row, code) || isExpired(server, row)) return undefined
  const found = await findCredential(server, boundOf(row).device ?? '', 'device_code')
  return found && found.clientId === row.clientId && !isExpired(server, found) ? found : undefined
}

/** The digest of a user code: readers of the store must not see which codes are shown now. */
export function userCodeDigest(code: string): string {
  return sha256(code)
}

function userCodeId(code: string): string {
  return lookupId(userCodeDigest(code), lookupSuffix.user_code)
}
