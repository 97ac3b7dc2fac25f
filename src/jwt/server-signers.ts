/** The keys by which a server signs what is not an access token: those of `jwt()` and of `openid()`, by their algorithms. */
import type { Signer } from './key-ring'

/** What has such keys. */
interface Signing {
  readonly signers?: (() => ReadonlyMap<string, unknown>) | undefined
}

/** A server, or the options that become one. */
export interface SigningRules {
  readonly accessTokens?: Signing
  readonly openid?: Signing | undefined
}

/** Those of access tokens first. */
export function signersOf({ accessTokens, openid }: SigningRules): ReadonlyMap<string, Signer> {
  return new Map([...(openid?.signers?.() ?? []), ...(accessTokens?.signers?.() ?? [])]) as ReadonlyMap<string, Signer>
}
