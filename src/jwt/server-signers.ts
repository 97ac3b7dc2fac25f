/** The server's signing keys for other JWTs than access tokens: those of `jwt()` and `openid()`, by algorithm. */
import type { Signer } from './key-ring'

/** A value with signing keys. */
interface Signing {
  readonly signers?: (() => ReadonlyMap<string, unknown>) | undefined
}

/** A server, or its options. */
export interface SigningRules {
  readonly accessTokens?: Signing
  readonly openid?: Signing | undefined
}

/** All signers; those of access tokens come first. */
export function signersOf({ accessTokens, openid }: SigningRules): ReadonlyMap<string, Signer> {
  return new Map([...(openid?.signers?.() ?? []), ...(accessTokens?.signers?.() ?? [])]) as ReadonlyMap<string, Signer>
}
