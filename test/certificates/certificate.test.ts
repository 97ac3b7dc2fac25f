// The forms in which a certificate arrives, and when it is valid.
import fc from 'fast-check'
import { certificateBytes, certificateOf, validityProblem } from '../../src/certificates/certificate'
import { certificate, inHeader } from '../support/certificates'
import { runs } from '../support/fuzz'

const made = certificate()
const other = certificate()
const read = (text: string) => {
  const bytes = certificateBytes(text)
  return bytes && certificateOf(bytes)?.thumbprint
}

it.each<[string, string]>([
  ['PEM', made.cert],
  ['PEM with the line breaks of Windows', made.cert.replaceAll('\n', '\r\n')],
  ['PEM with spaces for its line breaks, as Apache sends it', made.cert.trim().replaceAll('\n', ' ')],
  ['PEM with tabs, as the header folding of nginx', made.cert.trim().replaceAll('\n', '\n\t')],
  ['percent-encoded PEM, as nginx sends it', inHeader(made)],
  ['percent-encoded PEM with + = and / as they are, as a load balancer of AWS sends it', encodeURI(made.cert)],
  ['base64, as HAProxy and Traefik send it', made.x5c],
  ['base64 between colons (RFC 9440)', `:${made.x5c}:`],
])('%s is read', (_, text) => {
  expect(read(text)).toBe(made.thumbprint)
})

it.each<[string, string]>([
  ['two certificates', made.cert + other.cert],
  ['a header that was sent twice', `${inHeader(made)}, ${inHeader(other)}`],
  ['base64 that was sent twice', `${made.x5c}, ${other.x5c}`],
  ['something before it', `x${made.cert}`],
  ['something behind it', `${made.cert}x`],
  ['something behind its DER', Buffer.concat([made.x509.raw, Buffer.from([0])]).toString('base64')],
  ['half of it', made.x5c.slice(0, 100)],
  ['its key', made.key],
  ['a wrong escape', `${inHeader(made)}%`],
  ['nothing', ' '],
  ['the word of a proxy', 'NONE'],
  ['a megabyte', 'A'.repeat(2 ** 20)],
])('%s is no certificate', (_, text) => {
  expect(read(text)).toBeUndefined()
})

it('no text is one by chance, and one that is bent is another one or none', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.nat(made.cert.length), (text, at) => {
      expect(read(text)).toBeUndefined()
      const bent = made.cert.slice(0, at) + text + made.cert.slice(at)
      expect(read(bent) ?? 'x'.repeat(43)).toHaveLength(43)
    }),
    runs(200),
  )
})

it('PEM in bytes is no DER: only that is hashed', () => {
  expect(certificateOf(Buffer.from(made.cert))).toBeUndefined()
})

it('is valid from its first second to its last (RFC 5280 §4.1.2.5)', () => {
  const found = certificateOf(made.x509.raw)
  if (!found) throw new Error('no certificate')
  const { notBefore, notAfter } = found
  expect(notAfter - notBefore).toBe(3650 * 24 * 3600)
  const problems = [notBefore - 1, notBefore, notAfter, notAfter + 1].map((now) => validityProblem(found, now))
  expect(problems).toEqual([
    'The client certificate is not valid yet.',
    undefined,
    undefined,
    'The client certificate has expired.',
  ])
  expect(validityProblem({ ...found, notAfter: Number.NaN }, notBefore)).toBeDefined()
})
