/** The code that a device shows and its user enters (RFC 8628 §6.1): how it is made, how people write it, and its row. */

import { boundBy, boundOf, credentialOf, findCredential, hasSecret, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { randomIndex, sha256 } from '../crypto'
import { storageFailure } from '../errors'
import type { Credential } from '../storage'
import type { Authorization } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'

/** RFC 8628 §6.1: without vowels, so that no code is a word, and without what looks like a digit. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
/** What people may type for it, spaces and dashes included. */
const MOST_CHARACTERS = 64
/** Draws until a free code is found. Of 25 billion codes ten in a row are taken only where a store says so of every id. */
const MOST_DRAWS = 10

const spelling = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`)
/** What people write between the letters: spaces, dashes and points of every script. */
const between = /[\p{White_Space}\p{Pd}\p{Cf}.·]/gu

/** A code as it is shown: `WDJB-MJHT`. */
export function newUserCode(): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomIndex(ALPHABET.length)])
  return formatted(letters.join(''))
}

function formatted(letters: string): string {
  return `${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}`
}

/** The code that somebody entered, in any case and with any spaces and dashes, as it is shown; undefined for what is none. */
export function parseUserCode(text: string): string | undefined {
  if (text.length > MOST_CHARACTERS) return undefined
  // letters of full width, too, as keyboards of East Asia type them
  const letters = text
    .normalize('NFKC')
    .replace(between, '')
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
  return spelling.test(letters) ? formatted(letters) : undefined
}

/**
 * Stores a code of the user for the device code of that id, and returns it. A code that is taken already is drawn again: the
 * id of the row is its hash, so that of two devices one only gets it.
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

/** The device code that a code belongs to, whatever has become of it; undefined for a code that is unknown or expired. */
export async function findDeviceCode(server: AuthorizationServer, code: string): Promise<Credential | undefined> {
  const row = await findCredential(server, userCodeId(code), 'user_code')
  if (!row || !hasSecret(row, code) || isExpired(server, row)) return undefined
  const found = await findCredential(server, boundOf(row).device ?? '', 'device_code')
  return found && found.clientId === row.clientId && !isExpired(server, found) ? found : undefined
}

/** Names the code where it stays: who reads the store must not see at a glance which codes are shown now. */
export function userCodeDigest(code: string): string {
  return sha256(code)
}

function userCodeId(code: string): string {
  return lookupId(userCodeDigest(code), lookupSuffix.user_code)
}
