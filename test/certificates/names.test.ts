// Names: the text of RFC 4514 against certificates that openssl has made, and against what openssl says of them itself.
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { valuesOf } from '../../src/certificates/der'
import {
  type DistinguishedName,
  isSameName,
  nameOfDer,
  parseDistinguishedName,
} from '../../src/certificates/distinguished-name'
import { canonicalAddress, namesOf } from '../../src/certificates/names'
import { certificate } from '../support/certificates'
import { runs } from '../support/fuzz'

const subjectOf = (cert: { x509: { raw: Buffer } }) => namesOf(cert.x509.raw)?.subject as DistinguishedName
const matches = (text: string, name: DistinguishedName) => {
  const parsed = parseDistinguishedName(text)
  return parsed !== undefined && isSameName(parsed, name)
}
const byOpenssl = (file: string, format = 'RFC2253,-esc_msb') =>
  execFileSync('openssl', ['x509', '-in', file, '-noout', '-subject', '-nameopt', format], { encoding: 'utf8' })
    .replace(/^subject=/, '')
    .replace(/\n$/, '')

describe('a subject, as openssl prints it (-nameopt RFC2253)', () => {
  it.each([
    '/C=DE/O=Example Bank/OU=Payments/CN=client',
    '/C=DE/O=Bank, Inc. + Sons; "GmbH" <x>/CN=#1 \\/ 2=3',
    '/O= two  spaces /CN=ends with a space ',
    '/DC=com/DC=example/UID=client/emailAddress=ops@example.com',
    '/C=DE/organizationIdentifier=PSDDE-BAFIN-123456/serialNumber=42/CN=Zahlungsdienst Müller 東京 🏦',
    '/CN=client+UID=7/O=Multi',
  ])('%j is the name of its certificate, and of no other', (subject) => {
    const more = subject.includes('+UID') ? ['-multivalue-rdn'] : []
    const made = certificate({ subject, more })
    const other = certificate({ subject: `${subject}/OU=other` })
    for (const format of ['RFC2253', 'RFC2253,-esc_msb']) {
      const text = byOpenssl(made.certFile, format)
      expect([matches(text, subjectOf(made)), matches(text, subjectOf(other))]).toEqual([true, false])
    }
  })
})

describe('a distinguished name (RFC 4514)', () => {
  const made = certificate({ subject: '/C=DE/O=Example/CN=client' })
  const name = subjectOf(made)

  it.each([
    'CN=client,O=Example,C=DE',
    'cn=client, o = Example , C=DE',
    '2.5.4.3=client,2.5.4.10=Example,C=DE',
    'CN=\\63lient,O=Ex\\61mple,C=DE',
    // the value as DER (§2.4): a UTF8String
    'CN=#0c06636c69656e74,O=Example,C=DE',
  ])('%s is that of the certificate', (text) => {
    expect(matches(text, name)).toBe(true)
  })

  it.each([
    ['the other way round', 'C=DE,O=Example,CN=client'],
    ['in another case', 'CN=Client,O=Example,C=DE'],
    ['a part of it', 'CN=client,O=Example'],
    ['more than it', 'CN=client,O=Example,C=DE,DC=com'],
    ['another type', 'CN=client,OU=Example,C=DE'],
    ['one part in the place of two', 'CN=client,O=Example+C=DE'],
    ['one attribute twice', 'CN=client+CN=client,O=Example,C=DE'],
    ['DER of another string type', 'CN=#1306636c69656e74,O=Example,C=DE'],
  ])('%s is another name: %s', (_, text) => {
    expect(parseDistinguishedName(text)).toBeDefined()
    expect(matches(text, name)).toBe(false)
  })

  it.each([
    ...[
      '',
      ' ',
      'client',
      'CN',
      'CN=',
      '=client',
      'CN=a,',
      ',CN=a',
      'CN=a,,O=b',
      'CN=a+',
      'CN=a;O=b',
      'CN="a"',
      'CN=a"b',
    ],
    ...[
      'CN=#',
      'CN=#0',
      'CN=#zz',
      'CN=a\\',
      'CN=a\\g',
      'CN=\\ff',
      'CN=a\0',
      'XX=a',
      '/C=DE/CN=a',
      'CN=<a>',
      '2=a',
      '.1=a',
    ],
  ])('%j is none', (text) => {
    expect(parseDistinguishedName(text)).toBeUndefined()
  })

  it('an escaped value is that value, whatever stands in it', () => {
    const special = /[\0"+,;<>\\# =]/g
    const value = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => !text.includes('\ufffd'))
    fc.assert(
      fc.property(value, value, (one, other) => {
        const escaped = (text: string) => text.replace(special, (char) => `\\${char === '\0' ? '00' : char}`)
        const parsed = parseDistinguishedName(`CN=${escaped(one)},O=${escaped(other)}`)
        expect(parsed).toEqual([[{ type: '2.5.4.3', text: one }], [{ type: '2.5.4.10', text: other }]])
      }),
      runs(300),
    )
  })

  it('any text is a name or none, in time that grows with its length alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'CN=a, +\\#0"'), maxLength: 200 }), (text) => {
        const parsed = parseDistinguishedName(text)
        if (parsed) expect(isSameName(parsed, parsed)).toBe(true)
      }),
      runs(300),
    )
    for (const text of [`CN=a${' '.repeat(100_000)}"`, `CN=${'\\ '.repeat(50_000)}"`, `${'CN=a,'.repeat(20_000)}"`]) {
      expect(parseDistinguishedName(text)).toBeUndefined()
    }
  })
})

describe('the names in a certificate', () => {
  it('are its subject and its alternative names, each of its kind (RFC 5280 §4.2.1.6)', () => {
    const names =
      'DNS:Client.Example,DNS:*.example.com,URI:https://client.example/a,IP:192.0.2.7,IP:2001:db8:0:0::1,email:ops@example.com'
    const found = namesOf(certificate({ names }).x509.raw)
    expect(found).toMatchObject({
      dns: ['client.example', '*.example.com'],
      uri: ['https://client.example/a'],
      ip: ['192.0.2.7', '[2001:db8::1]'],
      email: ['ops@example.com'],
    })
    expect(namesOf(certificate({}).x509.raw)).toMatchObject({ dns: [], uri: [], ip: [], email: [] })
  })

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:DB8::0:1', '[2001:db8::1]'],
    ['::ffff:1.2.3.4', '[::ffff:102:304]'],
    ['fe80::1%eth0', undefined],
    ['client.example', undefined],
    ['1.2.3', undefined],
    ['', undefined],
  ])('the address %s is %s', (address, canonical) => {
    expect(canonicalAddress(address)).toBe(canonical)
  })

  it('in DER that is cut, changed or made up there are some or none, and nothing is thrown but for a mistake of ours', () => {
    const { raw } = certificate({ names: 'DNS:client.example' }).x509
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.nat(255), fc.nat(raw.length), (at, byte, length) => {
        const bent = Buffer.from(raw)
        bent[at] = byte
        namesOf(bent)
        namesOf(bent.subarray(0, length))
      }),
      runs(500),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        namesOf(Buffer.from(bytes))
        try {
          nameOfDer(valuesOf(Buffer.from(bytes))[0])
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
      runs(500),
    )
  })
})
