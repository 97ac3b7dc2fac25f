/** All kinds of findings of `check`, each with its fix and section. */

/** A problem violates a MUST or allows access. An advice prevents attacks. A note does not change the exit code. */
type Level = 'problem' | 'advice' | 'note'

export interface Kind {
  readonly level: Level
  readonly says: string
  readonly fix: string
  readonly section: string
}

const problem = (says: string, fix: string, section: string): Kind => ({ level: 'problem', says, fix, section })
const advice = (says: string, fix: string, section: string): Kind => ({ level: 'advice', says, fix, section })
const note = (says: string, fix: string, section: string): Kind => ({ level: 'note', says, fix, section })

export const kinds = {
  // metadata
  metadata_missing: problem(
    'There is no metadata document.',
    'Serve it below /.well-known, or check the URL.',
    'RFC 8414 §3',
  ),
  metadata_member: problem('A member that must be in the metadata is missing or wrong.', 'Add it.', 'RFC 8414 §2'),
  metadata_type: advice('The metadata is not served as application/json.', 'Set its Content-Type.', 'RFC 8414 §3.2'),
  metadata_differs: problem(
    'The two metadata documents contradict each other.',
    'Make both of one source.',
    'RFC 8414 §5',
  ),
  issuer_mismatch: problem(
    'The issuer is not the URL at which its metadata is.',
    'Set issuer to that URL.',
    'RFC 8414 §3.3',
  ),
  issuer_http: problem('The issuer is not an https URL.', 'Serve it by https alone.', 'RFC 8414 §2'),
  endpoint_http: problem('An endpoint is not an https URL.', 'Serve it by https alone.', 'RFC 6749 §3.1, §3.2'),
  endpoint_elsewhere: advice(
    'An endpoint is on another origin, and was not looked at.',
    'Make sure that it is yours.',
    'RFC 8414 §6.2',
  ),
  pkce_unannounced: problem(
    'The metadata does not say that PKCE is there.',
    'Support code_challenge_method S256.',
    'RFC 9700 §2.1.1',
  ),
  plain_announced: problem(
    'PKCE may be plain, which who sees the request can answer.',
    'Accept S256 alone.',
    'RFC 9700 §2.1.1',
  ),
  implicit_announced: problem(
    'Access tokens come in the authorization response.',
    'Turn the implicit grant off.',
    'RFC 9700 §2.1.2',
  ),
  password_announced: problem('The password grant is on: apps see passwords.', 'Turn it off.', 'RFC 9700 §2.4'),
  weak_algorithm: problem(
    'A signing algorithm is none, or made with a shared secret.',
    'Name ES256, PS256 or RS256.',
    'RFC 8725 §3.1, §3.2',
  ),
  iss_unannounced: problem(
    'Authorization responses do not say who sends them.',
    'Send iss, and announce it.',
    'RFC 9207 §2.3, §3',
  ),
  introspection_unprotected: problem(
    'The metadata lets anybody introspect tokens.',
    'Take none off its methods.',
    'RFC 7662 §2.1',
  ),
  // keys
  keys_unreadable: problem('The public keys cannot be read.', 'Serve a JWK Set at jwks_uri.', 'RFC 7517 §5'),
  private_keys: problem(
    'Private or symmetric keys are published. Replace them now.',
    'Publish public members alone.',
    'RFC 7517 §9.2',
  ),
  weak_keys: problem('A published key is too weak.', 'Use P-256, or RSA of 2048 bits or more.', 'RFC 7518 §3.3, §3.4'),
  // token endpoint and similar endpoints
  token_get: problem(
    'The token endpoint takes GET: credentials and codes come into logs.',
    'Take POST alone.',
    'RFC 6749 §3.2',
  ),
  query_parameters: problem(
    'The token endpoint reads parameters from the URL, which is logged.',
    'Read the body alone.',
    'RFC 6749 §2.3.1, §3.2',
  ),
  no_store: problem(
    'Responses of the token endpoint may be stored by caches.',
    'Send Cache-Control: no-store.',
    'RFC 6749 §5.1',
  ),
  cors_credentials: problem(
    'Any website may send requests with the cookies of a user and read the answer.',
    'Send no Access-Control-Allow-Credentials.',
    'Fetch §3.3.5',
  ),
  introspection_open: problem('Anybody may introspect tokens.', 'Require client authentication.', 'RFC 7662 §2.1'),
  revocation_open: problem(
    'Tokens are revoked for anybody, without a client.',
    'Require client authentication, or a client_id.',
    'RFC 7009 §2.1',
  ),
  registration_open: advice(
    'Anybody may register a client.',
    'Protect it, or limit and clean up what registers.',
    'RFC 7591 §5',
  ),
  // authorization endpoint and its pages
  authorize_cors: problem(
    'Scripts of other origins may read the authorization endpoint.',
    'Set no CORS headers there.',
    'RFC 9700 §2.6',
  ),
  open_redirect: problem(
    'A browser is redirected to a URL that no client has registered.',
    'Show an error page instead.',
    'RFC 9700 §4.11.2',
  ),
  redirect_unregistered: problem(
    'A redirect URI that is not registered is accepted.',
    'Compare redirect URIs exactly.',
    'RFC 9700 §2.1, §4.1.3',
  ),
  pkce_not_required: problem(
    'A request without PKCE is not refused.',
    'Require PKCE of every client.',
    'RFC 9700 §2.1.1',
  ),
  plain_accepted: problem(
    'A request with code_challenge_method plain is not refused.',
    'Accept S256 alone.',
    'RFC 9700 §2.1.1',
  ),
  implicit_accepted: problem(
    'A request for response_type token is not refused.',
    'Turn the implicit grant off.',
    'RFC 9700 §2.1.2',
  ),
  iss_missing: problem(
    'An authorization response has no iss, or a wrong one.',
    'Send the issuer as iss.',
    'RFC 9207 §2',
  ),
  state_lost: problem('An authorization response does not repeat state.', 'Send it back unchanged.', 'RFC 6749 §4.1.2'),
  reflected: problem(
    'A page shows what a request says as HTML: a link can run scripts.',
    'Escape it.',
    'RFC 6749 §10.14',
  ),
  framed: problem(
    'A page may be in a frame of another site, which can hijack clicks.',
    "Send frame-ancestors 'none'.",
    'RFC 9700 §4.16',
  ),
  csp: advice(
    'A page has no Content-Security-Policy that limits scripts.',
    "Set default-src 'none' and a nonce or digest.",
    'RFC 9700 §4.16',
  ),
  nosniff: advice('A response lets browsers guess its type.', 'Send X-Content-Type-Options: nosniff.', 'Fetch §3.6'),
  referrer: advice(
    'A page may hand its URL to other sites.',
    'Send Referrer-Policy: no-referrer or same-origin.',
    'RFC 9700 §4.2.4',
  ),
  page_stored: advice(
    'A page of the sign-in may be stored by caches.',
    'Send Cache-Control: no-store.',
    'RFC 9111 §5.2.2.5',
  ),
  cookie_flags: problem('A cookie lacks Secure, HttpOnly or SameSite.', 'Set all three.', 'RFC 6265 §8.3, §4.1.2'),
  // all responses
  stack_trace: problem(
    'An error shows the inside of the program.',
    'Set NODE_ENV=production, or an error handler.',
    'CWE-209',
  ),
  server_error: advice(
    'A wrong request leads to a failure of the server.',
    'Refuse it with status 400.',
    'RFC 6749 §5.2',
  ),
  powered_by: advice(
    'Responses name the software that makes them.',
    "Take X-Powered-By off: app.disable('x-powered-by').",
    'RFC 9110 §17.12',
  ),
  hsts: advice('Browsers may come back by http.', 'Send Strict-Transport-Security.', 'RFC 6797 §7.1'),
  tls_untrusted: problem(
    'The certificate is not one that clients trust.',
    'Use a certificate of a public authority.',
    'RFC 9325 §4, RFC 9525',
  ),
  tls_old: problem('TLS 1.0 or 1.1 is taken.', 'Take TLS 1.2 and newer alone.', 'RFC 9325 §3.1.1'),
  // facts that need no change
  loopback: note(
    'It is served on loopback, where http is enough.',
    'Use https before others can reach it.',
    'RFC 8252 §8.3',
  ),
  no_answer: note('A request had no answer that could be read.', 'See what the server logs of it.', 'RFC 9110 §15'),
  without_client: note(
    'PKCE and redirect URIs were not tried out.',
    'Add --client-id and --redirect-uri of a public client.',
    'RFC 9700 §2.1',
  ),
  client_refused: note(
    'The request of that client is refused, so PKCE was not tried out.',
    'See --client-id, --redirect-uri, --scope.',
    'RFC 6749 §4.1.2.1',
  ),
} as const satisfies Readonly<Record<string, Kind>>

export type FindingId = keyof typeof kinds
