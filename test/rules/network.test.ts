import { networkOf, siteOf } from '../../src/rules/network'

describe('the network of an address', () => {
  it.each<[string | undefined, string]>([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.2', '192.0.2.2'],
    [undefined, ''],
    ['no address', 'no address'],
  ])('of %j is %j: one host of IPv4, and whatever else Express takes for an address', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:0000:0000:0000:0009', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::5:6:7:8:9', '2001:db8:0:5::/64'],
    ['2001::4:5:6:7:8', '2001:0:0:4::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::1%eth1%x', 'fe80:0:0:0::/64'],
  ])('of %s is %s: one /64 of IPv6, however it is written', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })

  it.each([
    '::ffff:192.0.2.1',
    '::FFFF:192.0.2.1',
    '::ffff:c000:201',
    '0:0:0:0:0:ffff:c000:0201',
    '::ffff:192.0.2.1%x',
  ])('of %s is that of the IPv4 address in it', (ip) => {
    expect(networkOf(ip)).toBe('192.0.2.1')
  })

  it.each([
    ['192.0.2.1:50312', '192.0.2.1'],
    ['[2001:db8::1]:50312', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['192.0.2.111:65000', '192.0.2.111'],
    ['192.0.2.1:80x', '192.0.2.1:80x'],
    ['x192.0.2.1:80', 'x192.0.2.1:80'],
    ['[2001:db8::1]:443x', '[2001:db8::1]:443x'],
    ['x[2001:db8::1]', 'x[2001:db8::1]'],
  ])('of %s is %s: some proxies send the port along, another one for each connection', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })

  it.each([
    ['2001:db8::ffff:192.0.2.1', '2001:db8:0:0::/64'],
    ['0:0:0:0:1:ffff:c000:201', '0:0:0:0::/64'],
    ['::fffe:192.0.2.1', '0:0:0:0::/64'],
    ['::192.0.2.1', '0:0:0:0::/64'],
  ])('of %s is not: an address of IPv6 is mapped with ::ffff: in front alone', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })
})

it.each([
  ['2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:db8:1:ffff::/64', '2001:db8:1::/48'],
  ['0:0:0:0::/64', '0:0:0::/48'],
  ['192.0.2.1', '192.0.2.1'],
  ['no address', 'no address'],
  ['', ''],
])('the site of %j is %j: what one customer has (RFC 6177)', (network, site) => {
  expect(siteOf(network)).toBe(site)
})

it.each(['2001:db8:1:2::/64x', ':2001:db8:1:2::/64'])('%j is no network of IPv6, and its own site', (network) => {
  expect(siteOf(network)).toBe(network)
})
