// Which addresses and hosts are public (RFC 6890), and which client ids are URLs of documents.
import fc from 'fast-check'
import { isDocumentUrl } from '../../src/clients/metadata-document'
import { isPublicAddress, isPublicHost } from '../../src/fetch/public-address'

const internal = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.2',
  '192.168.1.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd12:3456:789a::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
]
const everywhere = [
  '8.8.8.8',
  '1.1.1.1',
  '100.128.0.1',
  '172.32.0.1',
  '192.0.1.1',
  '223.255.255.254',
  '2606:4700::1111',
  '2a00:1450::1',
]

describe('isPublicAddress', () => {
  it.each(internal)('%s is not', (address) => expect(isPublicAddress(address)).toBe(false))
  it.each(everywhere)('%s is', (address) => expect(isPublicAddress(address)).toBe(true))
  it.each(['', 'localhost', '127.1', '0x7f000001', '2130706433', '010.0.0.1', '8.8.8.8.8', '8.8.8.8 '])(
    '%j is no address',
    (text) => expect(isPublicAddress(text)).toBe(false),
  )

  it('no IPv4 address in the clothes of IPv6 is', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.constantFrom('::ffff:', '::', '64:ff9b::'), (address, prefix) => {
        expect(isPublicAddress(prefix + address)).toBe(false)
      }),
    )
  })
})

describe('isPublicHost', () => {
  const local = [
    'localhost',
    'a.localhost',
    'printer',
    'printer.local',
    'metadata.google.internal',
    'nas.home.arpa',
    'home.arpa',
    'x.test',
    'x.invalid',
    'x.onion',
    'localhost.',
    'printer.local.',
  ]
  it.each([...local, '10.0.0.1', '[::1]', ''])('%j is not', (host) => expect(isPublicHost(host)).toBe(false))
  it.each(['app.example', 'localhost.example.com', 'example.com.', '8.8.8.8', '[2606:4700::1111]'])('%s is', (host) =>
    expect(isPublicHost(host)).toBe(true),
  )
})

describe('isDocumentUrl (draft §3)', () => {
  it.each([
    'https://app.example/client.json',
    'https://app.example:8443/a/b',
    'https://app.example/c?v=1',
    `https://app.example/${'a'.repeat(235)}`,
    'https://10.0.0.1/client.json', // a URL it is; what is there is not asked
  ])('%s is', (id) => expect(isDocumentUrl(id, false)).toBe(true))

  it.each([
    'http://app.example/client.json',
    'https://app.example',
    'https://app.example/',
    'https://app.example/?a=b',
    'https://app.example/a#b',
    'https://app.example/a#',
    'https://user@app.example/a',
    'https://user:pass@app.example/a',
    'https://:pass@app.example/a',
    `https://app.example/${'a'.repeat(236)}`, // 256 characters
    'https://app.example/./a',
    'https://app.example/a/../b',
    'https://app.example/a/%2e%2E/b',
    'https://app.example:443/a',
    'https://APP.example/a',
    'HTTPS://app.example/a',
    'https:app.example/a',
    'https:///app.example/a',
    'https://app.example\\a',
    'https://äpp.example/a',
    'https://2130706433/a',
    'https://0x7f.1/a',
    'https://app.example/a b',
    ' https://app.example/a',
    'https://app.example/a\n',
    `https://app.example/${'a'.repeat(250)}`,
    'ftp://app.example/a',
    'web',
    '',
  ])('%j is not', (id) => expect(isDocumentUrl(id, false)).toBe(false))

  it('http is for loopback, and only by name of the option', () => {
    for (const id of [
      'http://127.0.0.1:3000/a',
      'http://[::1]:3000/a',
      'http://localhost:3000/a',
      'http://app.localhost:3000/a',
    ]) {
      expect([isDocumentUrl(id, false), isDocumentUrl(id, true)]).toEqual([false, true])
    }
    for (const id of [
      'http://app.example/a',
      'http://10.0.0.1/a',
      'http://localhost.evil.example/a',
      'http://127.0.0.1/',
    ]) {
      expect(isDocumentUrl(id, true)).toBe(false)
    }
  })

  it('never throws, and is only what is written as the parser writes it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withFragments: true, withQueryParameters: true })), (id) => {
        if (isDocumentUrl(id, true)) expect(new URL(id).href).toBe(id)
      }),
    )
  })
})
