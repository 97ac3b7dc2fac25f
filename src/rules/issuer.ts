/** The issuer: an authorization server's name, which is a URL and is compared byte for byte (RFC 8414 §2). */

/** Throws a TypeError unless `issuer` is an https URL, or http on loopback, without query and fragment. */
export function verifiedIssuer(issuer: unknown): string {
  const fix = "issuer must be an https URL without query and fragment, such as 'https://auth.example.com'"
  if (typeof issuer !== 'string' || !URL.canParse(issuer) || /[?#\s]/.test(issuer)) throw new TypeError(fix)
  const { protocol, hostname, username, password } = new URL(issuer)
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
  if (username || password || !(protocol === 'https:' || (protocol === 'http:' && loopback))) {
    throw new TypeError(`${fix} (http only on loopback); it is ${issuer}`)
  }
  return issuer
}
