/**
 * Every kind of credential. A new protocol feature adds a kind, and never a method of the storage.
 *
 * | kind               | id ends with | states                               | made by            | moved by       |
 * | ------------------ | ------------ | ------------------------------------ | ------------------ | -------------- |
 * | authorization_code | `~c`         | issued → used                        | authorize          | token          |
 * | access_token       | `~a` `~b` `~e` | its digest → revoked, ended          | every grant        | revoke, token  |
 * | refresh_token      | `~r`         | digest of its rotating half → ended  | every user's grant | revoke, token  |
 * | refresh_replay     | `~n`         | made                                 | token (refresh)    | nothing        |
 * | consent            | `~t`         | pending → decided                    | consent page       | consent page   |
 * | removal            | `~x`         | pending → decided                    | connected apps     | connected apps |
 * | pushed_request     | `~q`         | pushed → opened → used               | pushed request     | authorize      |
 * | jti                | `~j` + hash  | used                                 | every endpoint     | logout         |
 * | device_code        | `~v`         | pending → approved, denied → used    | device endpoint    | device page, token |
 * | user_code          | `~u`         | issued                               | device endpoint    | nothing        |
 * | device_entry       | `~y`         | pending → decided                    | device page        | device page    |
 * | form               | `~f`         | pending → decided                    | pages with forms   | the same page  |
 * | personal_token     | `~p`         | issued → `used.` + second            | issuePersonalToken | guard          |
 *
 * `ended` is a session that began with an access token and ended without its grant (`tokens/derived-session.ts`): such a
 * row has no bound values. The state of a refresh token that does not rotate continues with `#` and a digest.
 *
 * An exchanged token (RFC 8693) has an id of its own, `~e.` with random characters, and so replaces no other token.
 *
 * The part before the `~` is the id of the credential's grant, existing or future. For a `jti` it is the hash of its client,
 * and for a `user_code` the hash of the code.
 */
type CredentialState =
  | { kind: 'authorization_code'; state: 'issued' | 'used' }
  | { kind: 'access_token'; state: 'revoked' | 'ended' | Digest }
  | { kind: 'refresh_token'; state: 'ended' | Digest }
  | { kind: 'refresh_replay'; state: 'made' }
  | { kind: 'consent' | 'removal'; state: 'pending' | 'decided' }
  | { kind: 'pushed_request'; state: 'pushed' | 'opened' | 'used' }
  | { kind: 'jti'; state: 'used' }
  | { kind: 'device_code'; state: 'pending' | 'approved' | 'denied' | 'used' }
  | { kind: 'user_code'; state: 'issued' }
  | { kind: 'device_entry' | 'form'; state: 'pending' | 'decided' }
  | { kind: 'personal_token'; state: 'issued' | `used.${number}` }

export type CredentialKind = CredentialState['kind']

/** SHA-256, base64url. */
type Digest = string & {}

/** The suffix of an exchanged access token's lookup id, followed by random characters. */
export const EXCHANGED = 'e'

/** The suffixes of lookup ids by kind. Access tokens for the same resources alternate between two rows. */
export const lookupSuffix = {
  authorization_code: 'c',
  refresh_token: 'r',
  refresh_replay: 'n',
  access_token: ['a', 'b'],
  consent: 't',
  removal: 'x',
  pushed_request: 'q',
  jti: 'j',
  device_code: 'v',
  user_code: 'u',
  device_entry: 'y',
  form: 'f',
  personal_token: 'p',
} as const satisfies Record<CredentialKind, string | readonly string[]>
