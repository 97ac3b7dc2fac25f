import fc from 'fast-check'
import { isLoopbackHost } from '../../src/rules/loopback'
import { schemeWithoutDot } from '../../src/rules/private-use-scheme'
import {
  appScheme,
  matchesRedirectUri,
  redirectHost,
  redirectUriProblem,
  shownUri,
  staysOnDevice,
  withParameters,
} from '../../src/rules/redirect-uri'
import { anyText, nastyText, runs } from '../support/fuzz'

const needed = 'must have a dot in its scheme'
const problem = (uri: unknown, allowHttp = false, needsDot: string | undefined = needed) =>
  redirectUriProblem(uri, { allowHttp, needsDot: () => needsDot })

describe('a redirect URI can be registered:', () => {
  it.each([
    'https://app.example/cb',
    'https://app.example',
    'https://app.example/',
    'https://app.example?tenant=7',
    'https://app.example/cb?foo=bar&x=%20',
    'https://app.example:8443/cb',
    'https://app.example:443/cb',
    'https://app.example:4430/cb',
    'http://127.0.0.1:8080/cb',
    'com.example.app:/https://app.example/cb',
    `https://app.example/${'a'.repeat(2028)}`,
    'https://sub.app.example/a/b.c/..d/e..',
    'https://xn--mnchen-3ya.example/cb',
    'https://192.0.2.1/cb',
    'https://[2001:db8::1]/cb',
    'https://app.example/cb;v=1',
    "https://app.example/it's(fine)!",
    'https://app.example/cb?next=https://other.example/',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:80/cb',
    'http://127.0.0.1:4321/cb',
    'http://[::1]/cb',
    'http://[::1]:4321',
    'http://localhost:3000/cb',
    'com.example.app:/oauth',
    'com.example.app:oauth',
    'com.example.my-app:/cb?x=1',
    'com.example.app://oauth2redirect',
    'com.example.app://oauth2redirect/a?b=c',
    'com.example.app:///cb',
    'http://app.localhost/cb',
    'http://a.b.localhost:3000/cb',
  ])('%s', (uri) => {
    expect(problem(uri)).toBeUndefined()
  })
})

describe('a private-use scheme without a dot', () => {
  const ofApps = [
    ...['cursor://anysphere.cursor-mcp/oauth/callback', 'vscode://vscode.mcp/callback?x=1', 'myapp://cb', 'myapp:/cb'],
    ...[
      'myapp:cb',
      'myapp:///cb',
      'my-app+2://cb',
      'ms-app://s-1-15-2-1/',
      'exp://127.0.0.1:8081/--/cb',
      'msal0123://auth',
    ],
    ...['httpie://cb', 'filed://cb', 'chromecast://cb', 'telegram://cb', 'datadog://cb', 'about-us://cb'],
  ]
  it.each(ofApps)('%s is for those who need no dot', (uri) => {
    expect([problem(uri, false), redirectUriProblem(uri, { allowHttp: false, needsDot: () => undefined })]).toEqual([
      needed,
      undefined,
    ])
    expect([schemeWithoutDot.test(uri), staysOnDevice(uri)]).toEqual([true, true])
  })

  it.each([
    ...['com.example.app://cb', 'com.example.app:/myapp:/cb', 'https://app.example/cb', 'http://localhost/cb'],
    ...['http://127.0.0.1/a:b', 'https://app.example?x=myapp:/cb'],
  ])('is not in %s', (uri) => expect(schemeWithoutDot.test(uri)).toBe(false))
})

describe('no app has a scheme that means something already, in any spelling:', () => {
  const reserved = [
    ...[
      'javascript',
      'data',
      'vbscript',
      'file',
      'blob',
      'about',
      'mailto',
      'tel',
      'ws',
      'wss',
      'ftp',
      'http',
      'https',
    ],
    ...['view-source', 'filesystem', 'chrome', 'chrome-extension', 'moz-extension', 'safari-web-extension', 'edge'],
    ...[
      'devtools',
      'intent',
      'sms',
      'facetime',
      'ssh',
      'ldap',
      'smb',
      'ms-msdt',
      'search-ms',
      'ms-word',
      'ms-settings',
    ],
    ...['applescript', 'shortcuts', 'workflow', 'jnlp', 'x-man-page', 'telprompt', 'facetime-audio', 'app-prefs'],
    ...['x-apple.systempreferences', 'web+app', 'http+unix', 'https-app', 'urn', 'itms-apps', 'microsoft-edge'],
  ]
  const loose = { allowHttp: true, needsDot: () => undefined }
  const spelt = (scheme: string) =>
    fc
      .array(fc.boolean(), { minLength: scheme.length, maxLength: scheme.length })
      .map((upper) => [...scheme].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''))
  const rest = fc.oneof(
    fc.constantFrom('cb', '/cb', '//cb', '///cb', '//app.example/cb', 'alert(1)', '//%0aalert(1)'),
    anyText,
  )
  const padding = fc.constantFrom('', ' ', '\t', '\n', '\0', '\u00a0')

  it.each(reserved)('%s', (scheme) => {
    fc.assert(
      fc.property(padding, spelt(scheme), padding, rest, (before, spelling, after, more) => {
        const uri = `${before}${spelling}${after}:${more}`
        if (/^https?:\/\/[^/]/.test(uri)) return
        expect(redirectUriProblem(uri, loose)).toMatch(/^(must|has) /)
      }),
      runs(100),
    )
    expect(redirectUriProblem(`${scheme}:cb`, loose)).toContain(scheme.replace(/[+-].*|\..*/, ''))
  })

  it('what is left over begins with a plain scheme, is what the URL parser writes, and leads to no host', () => {
    const scheme = fc.oneof(
      fc.stringMatching(/^[A-Za-z][A-Za-z0-9+.-]{0,9}$/),
      fc.constantFrom(...reserved, 'myapp', 'a.b'),
    )
    const path = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom('cb', '/cb', '//cb', '///cb', '//h/p?q=1', '//u@h/', '/../cb', '//h:1/'),
      },
      { weight: 1, arbitrary: nastyText },
    )
    let taken = 0
    fc.assert(
      fc.property(scheme, path, fc.boolean(), (name, more, dot) => {
        const uri = `${name}:${more}`
        if (redirectUriProblem(uri, { allowHttp: false, needsDot: () => (dot ? needed : undefined) }) !== undefined)
          return
        taken++
        if (/^https?:\/\//.test(uri)) return
        const url = new URL(uri)
        expect(url.href).toBe(uri)
        expect([url.protocol, url.origin, url.username]).toEqual([`${name}:`, 'null', ''])
        expect(reserved).not.toContain(name)
        expect([appScheme(uri), redirectHost(uri), staysOnDevice(uri)]).toEqual([name, name, true])
        if (dot) expect(name).toContain('.')
        expect(schemeWithoutDot.test(uri)).toBe(!name.includes('.'))
      }),
      runs(3000),
    )
    expect(taken).toBeGreaterThan(100)
  })
})

describe('why a redirect URI is refused is said in words:', () => {
  it.each([
    ['https://*.example.com/cb', 'must not have a wildcard: a request must name the same URI (RFC 9700 section 2.1)'],
    ['http://localhost:*/cb', 'must not have a wildcard: a request must name the same URI (RFC 9700 section 2.1)'],
    ['localhost:3000/cb', 'must begin with https:// or http:// to name a host and a port'],
    ['app.example:443/cb', 'must begin with https:// or http:// to name a host and a port'],
    ['app.example/cb', 'must be an absolute URI, such as https://app.example/callback'],
    ['javascript:alert(1)', 'must not use the scheme javascript, which belongs to browsers or other programs'],
    ['MyApp://cb', 'must have a scheme of two or more lower-case letters, digits, plus, minus and dots'],
    ['c:/cb', 'must have a scheme of two or more lower-case letters, digits, plus, minus and dots'],
    ['myapp://', 'must have a path after its scheme and no user name, as in myapp:/callback or myapp://callback'],
    [
      'myapp://user@cb',
      'must have a path after its scheme and no user name, as in myapp:/callback or myapp://callback',
    ],
    ['https:/app.example/cb', 'must begin with https:// in lower case and a host, without a user name'],
    ['https://user@app.example/cb', 'must begin with https:// in lower case and a host, without a user name'],
    ['myapp://a/../cb', 'must not have dot segments'],
  ])('%s', (uri, words) => expect(problem(uri)).toBe(words))
})

it('a URI is shown in the characters of URIs alone, at most 120 of them, and as it is where it has no others', () => {
  fc.assert(
    fc.property(fc.oneof(nastyText, anyText), (text) => {
      expect(shownUri(text)).toMatch(/^[\w.~:/?#[\]@!$&()*+,;=%-]{0,123}$/)
    }),
    runs(1000),
  )
  expect(shownUri('cursor://anysphere.cursor-mcp/oauth/callback')).toBe('cursor://anysphere.cursor-mcp/oauth/callback')
  expect(shownUri('a'.repeat(120))).toBe('a'.repeat(120))
  expect(shownUri('a'.repeat(121))).toBe(`${'a'.repeat(120)}...`)
})

it.each([
  [true, ['127.0.0.1', '[::1]', 'localhost', 'app.localhost', 'a.b-c.localhost']],
  [
    false,
    ['127.0.0.2', '0.0.0.0', '[::]', 'localhost.', 'notlocalhost', '.localhost', 'localhost.evil.example', '', 'evil'],
  ],
])('RFC 6761 §6.3, RFC 8252 §7.3: it is %p that these are loopback', (expected, hosts) => {
  for (const host of hosts) expect([host, isLoopbackHost(host)]).toEqual([host, expected])
})

describe('a redirect URI cannot be registered:', () => {
  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no string', undefined],
    ['a list', ['https://app.example/cb']],
    ['a fragment (RFC 6749 §3.1.2)', 'https://app.example/cb#x'],
    ['a bare #', 'https://app.example/cb#'],
    ['a relative one', '/cb'],
    ['a network path', '//evil.example/cb'],
    ['no slashes', 'https:evil.example'],
    ['one slash', 'https:/evil.example'],
    ['three slashes', 'https:///evil.example'],
    ['an empty host', 'https://'],
    ['an empty host with a path', 'https:///cb'],
    ['a user', 'https://app.example@evil.example/cb'],
    ['a user and password', 'https://app.example:443@evil.example/'],
    ['an empty user', 'https://@evil.example/'],
    ['a backslash', 'https://evil.example\\@app.example/cb'],
    ['backslashes for slashes', 'https:\\\\evil.example'],
    ['a backslash in the path', 'https://app.example/\\evil.example'],
    ['a space', 'https://app.example/c b'],
    ['a tab', 'https://app.exam\tple/cb'],
    ['a newline', 'https://app.example/cb\r\nSet-Cookie:a=b'],
    ['NUL', 'https://app.example/cb\0'],
    ['DEL', 'https://app.example/\x7f'],
    ['quotes', 'https://app.example/"onload="x'],
    ['angle brackets', 'https://app.example/<script>'],
    ['curly brackets', 'https://app.example/{x}'],
    ['a letter beyond ASCII', 'https://app.example/ü'],
    ['an IDN that is not in Punycode', 'https://münchen.example/cb'],
    ['a letter that looks like ASCII', 'https://аpp.example/cb'],
    ['a full-width full stop', 'https://app。example/cb'],
    ['a right-to-left override', 'https://app.example/\u202Ebc'],
    ['a scheme in capitals', 'HTTPS://app.example/cb'],
    ['a host in capitals', 'https://APP.example/cb'],
    ['an encoded host', 'https://app%2Eexample/cb'],
    ['an encoded dot segment', 'https://app.example/a/%2e%2e/cb'],
    ['a dot segment', 'https://app.example/a/../cb'],
    ['a dot segment at the end', 'https://app.example/a/..'],
    ['a single dot segment', 'https://app.example/./cb'],
    ['half encoded dots', 'https://app.example/.%2E/cb'],
    ['an IPv4 address in decimal', 'https://2130706433/cb'],
    ['an IPv4 address in hexadecimal', 'https://0x7f000001/cb'],
    ['an IPv4 address in octal', 'http://0177.0.0.1/cb'],
    ['a short IPv4 address', 'http://127.1/cb'],
    ['a long IPv6 address', 'http://[0:0:0:0:0:0:0:1]/cb'],
    ['a broken IPv6 address', 'https://[::1/cb'],
    ['a broken IPv6 address with text', 'https://[evil]/cb'],
    ['an IPv6 zone', 'http://[::1%25eth0]/cb'],
    ['a port that is no number', 'https://app.example:x/cb'],
    ['a port that is too high', 'https://app.example:65536/cb'],
    ['an empty port', 'https://app.example:/cb'],
    ['http', 'http://app.example/cb'],
    ['http to a name that begins like loopback', 'http://127.0.0.1.evil.example/cb'],
    ['http to a name that begins like localhost', 'http://localhost.evil.example/cb'],
    ['http to another address of 127/8', 'http://127.0.0.2/cb'],
    ['http to all interfaces', 'http://0.0.0.0/cb'],
    ['http to a name that ends like localhost', 'http://evillocalhost/cb'],
    ['a wildcard for a host', 'https://*.example.com/cb'],
    ['a wildcard for a path', 'https://app.example/*'],
    ['a user in a private-use URI', 'com.example.app://user@cb'],
    ['http to the port of https', 'http://127.0.0.1:443:443/cb'],
    ['javascript:', 'javascript:alert(1)'],
    ['javascript: in capitals', 'JavaScript:alert(1)'],
    ['javascript: as a web URI', 'javascript://app.example/%0aalert(1)'],
    ['data:', 'data:text/html,<script>alert(1)</script>'],
    ['data: without markup', 'data:text/html;base64,PHNjcmlwdD4='],
    ['vbscript:', 'vbscript:msgbox(1)'],
    ['file:', 'file:///etc/passwd'],
    ['blob:', 'blob:https://app.example/1'],
    ['about:', 'about:blank'],
    ['ftp:', 'ftp://app.example/cb'],
    ['ws:', 'ws://app.example/cb'],
    ['a private-use scheme without a dot (RFC 8252 §7.1)', 'myapp:/cb'],
    ['a private-use scheme with four slashes', 'com.example.app:////cb'],
    ['a private-use scheme with two slashes alone', 'com.example.app://'],
    ['a private-use scheme alone', 'com.example.app:'],
    ['a private-use scheme with a slash alone', 'com.example.app:/'],
    ['a private-use scheme in capitals', 'com.Example.app:/cb'],
    ['the out-of-band URN', 'urn:ietf:wg:oauth:2.0:oob'],
    ['a scheme that fills a page', `com.this-app-is-verified.${'allow-it.'.repeat(20)}app:/cb`],
    ['more than 2048 characters', `https://app.example/${'a'.repeat(2048)}`],
  ])('%s: %j', (_, uri) => {
    expect(problem(uri)).toMatch(/^(must|has|is) /)
  })

  it('http is allowed by name, and nothing else with it', () => {
    expect(problem('http://app.example/cb', true)).toBeUndefined()
    for (const uri of ['http://a@app.example/', 'http://app.example/#', 'javascript:alert(1)', 'http://127.1/']) {
      expect(problem(uri, true)).toMatch(/^(must|has|is) /)
    }
  })

  it('whatever can be registered means the same to every parser: a URL of that host, in ASCII, without user and fragment', () => {
    const piece = fc.constantFrom(
      ...[
        'https:',
        'http:',
        'com.app:',
        'javascript:',
        '/',
        '//',
        '\\',
        'a.example',
        '127.0.0.1',
        '[::1]',
        'localhost',
      ],
      ...[
        '@',
        ':',
        ':80',
        ':443',
        '?',
        '#',
        '%2e',
        '.',
        '..',
        '%',
        ';',
        '&',
        '=',
        ' ',
        '\t',
        '\n',
        'é',
        'A',
        "'",
        '"',
        '<',
      ],
    )
    const soup = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
    const nearlyRight = fc
      .tuple(fc.constantFrom('https://', 'http://', 'com.app:'), soup)
      .map((parts) => parts.join(''))
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(nastyText, soup, nearlyRight), fc.boolean(), (uri, allowHttp) => {
        if (problem(uri, allowHttp) !== undefined) return
        accepted++
        const url = new URL(uri)
        expect([url.username, url.password, url.hash]).toEqual(['', '', ''])
        expect(uri).toMatch(/^[\x21-\x7e]+$/)
        expect(uri).not.toMatch(/["<>\\^`{|}#]/)
        if (appScheme(uri) !== undefined) expect(url.protocol).toMatch(/\./)
        else
          expect(uri.split('://')[1]).toMatch(new RegExp(`^${url.host.replace(/[.[\]]/g, '\\$&')}(:80|:443)?([/?]|$)`))
        if (url.protocol === 'http:' && !allowHttp) expect(['127.0.0.1', '[::1]', 'localhost']).toContain(url.hostname)
      }),
      runs(2000),
    )
    expect(accepted).toBeGreaterThan(20)
  })
})

describe('a requested redirect URI matches', () => {
  const registered = ['https://app.example/cb', 'https://app.example/with?foo=bar', 'com.example.app:/cb']

  it.each(registered)('%s, registered as it is', (uri) => {
    expect(matchesRedirectUri({ redirectUris: registered }, uri)).toBe(true)
  })

  it.each([
    ...[
      'https://app.example/cb/',
      'https://app.example/c',
      'https://app.example/cb2',
      'https://app.example/',
      'https://app.example',
    ],
    ...['https://app.example/CB', 'https://APP.example/cb', 'HTTPS://app.example/cb', 'http://app.example/cb'],
    ...[
      'https://app.example:443/cb',
      'https://app.example:8443/cb',
      'https://sub.app.example/cb',
      'https://app.example./cb',
    ],
    ...['https://app.example/cb?', 'https://app.example/cb?x=1', 'https://app.example/cb#', 'https://app.example/cb#x'],
    ...[
      'https://app.example/with',
      'https://app.example/with?',
      'https://app.example/with?foo=bar&x=1',
      'https://app.example/with?foo=ba',
    ],
    ...[
      'https://app.example/x/../cb',
      'https://app.example/%63b',
      'https://app.example//cb',
      'https://app.example/cb;x',
    ],
    ...[
      'https://app.example@evil.example/cb',
      'https://evil.example/?https://app.example/cb',
      'https://app.example/cb@evil.example',
    ],
    ...[' https://app.example/cb', 'https://app.example/cb ', 'https://app.example/cb\n', '\thttps://app.example/cb'],
    ...['com.example.app://cb', 'com.example.app:/cb/', 'com.example.app:/CB', ''],
  ])('not %j', (uri) => {
    expect(matchesRedirectUri({ redirectUris: registered }, uri)).toBe(false)
  })

  describe.each(['metadata_document', 'registration'] as const)(
    'of localhost, of a client with the origin %s,',
    (origin) => {
      const redirectUris = [
        ...['http://localhost/cb', 'http://localhost:8080/fixed', 'http://localhost', 'http://app.localhost:5173/cb'],
        'https://app.example/?to=http://localhost/cb',
      ]
      const matches = (uri: string, of?: typeof origin) =>
        matchesRedirectUri({ redirectUris, ...(of && { origin: of }) }, uri)

      it.each([
        ...['http://localhost/cb', 'http://localhost:1/cb', 'http://localhost:65535/cb', 'http://localhost:1'],
        ...[2, 19, 80, 999, 1000, 9999, 10_000, 59_999, 60_000, 65_000, 65_500, 65_530].map(
          (p) => `http://localhost:${p}/cb`,
        ),
        ...['http://localhost:8080/fixed', 'http://localhost:1234/fixed', 'http://localhost/fixed'],
        ...['http://app.localhost:5173/cb', 'http://app.localhost:1/cb', 'http://app.localhost/cb'],
      ])('%s', (uri) => expect(matches(uri, origin)).toBe(true))

      it.each([
        ...[65_536, 65_540, 66_000, 70_000, 100_000].map((port) => `http://localhost:${port}/cb`),
        ...[
          'http://localhost:1a/cb',
          'http://localhost:1234a/cb',
          'http://localhost:6553a/cb',
          'xhttp://localhost:1/cb',
        ],
        ...['http://localhost:0/cb', 'http://localhost:/cb', 'http://localhost:01/cb', 'http://localhost.:1/cb'],
        ...['http://localhost:1/cb/', 'http://localhost:1/cb?x=1', 'http://localhost:1/cb#', 'http://localhost:1/'],
        ...['http://localhost:1@evil.example/cb', 'http://localhost.evil.example:1/cb', 'http://evil.example:1/cb'],
        ...['https://localhost:1/cb', 'HTTP://localhost:1/cb', 'http://127.0.0.1:1/cb', 'http://localhost:1:1/cb'],
        ...['http://b.localhost:5173/cb', 'http://x.app.localhost:5173/cb', 'http://localhost:1/fixe'],
        ...['https://app.example/?to=http://localhost:1/cb', ' http://localhost:1/cb', 'http://localhost:1/cb\n'],
      ])('not %j', (uri) => expect(matches(uri, origin)).toBe(false))

      it('and of nobody else: a host that registers it can name the port, and localhost may be another host (RFC 8252 §8.3)', () => {
        for (const uri of ['http://localhost:1/cb', 'http://app.localhost:1/cb']) expect(matches(uri)).toBe(false)
        for (const uri of ['http://localhost/cb', 'http://app.localhost:5173/cb']) expect(matches(uri)).toBe(true)
      })
    },
  )

  it('none where none is registered', () => {
    expect(matchesRedirectUri({ redirectUris: [] }, 'https://app.example/cb')).toBe(false)
    expect(matchesRedirectUri({ redirectUris: [] }, 'http://127.0.0.1/cb')).toBe(false)
    expect(matchesRedirectUri({ redirectUris: [] }, '')).toBe(false)
  })

  it('exactly, character by character, unless it is on loopback', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ validSchemes: ['https'], withQueryParameters: true }),
        fc.nat(),
        anyText,
        (uri, at, inserted) => {
          expect(matchesRedirectUri({ redirectUris: [uri] }, uri)).toBe(true)
          const place = at % (uri.length + 1)
          const changed = uri.slice(0, place) + inserted + uri.slice(place)
          expect(matchesRedirectUri({ redirectUris: [uri] }, changed)).toBe(changed === uri)
        },
      ),
      runs(500),
    )
  })
})

describe('the port of a loopback address (RFC 8252 §7.3)', () => {
  it.each([
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/cb'],
    ['http://127.0.0.1:1/cb', 'http://127.0.0.1:65535/cb'],
    ['http://127.0.0.1:1/cb', 'http://127.0.0.1/cb'],
    ['http://[::1]/cb?x=1', 'http://[::1]:4321/cb?x=1'],
    ['http://127.0.0.1', 'http://127.0.0.1:4321'],
    ['http://127.0.0.1?tenant=12', 'http://127.0.0.1:4321?tenant=12'],
  ])('%s matches %s', (registered, requested) => {
    expect(matchesRedirectUri({ redirectUris: [registered] }, requested)).toBe(true)
  })

  it.each([
    ['https://app.example/http://127.0.0.1/cb', 'https://evil.example/http://127.0.0.1/cb'],
    ['http://127.0.0.1?tenant=12', 'http://127.0.0.1:4321?tenant=1'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/cb/'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/cb?x=1'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/cb#x'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/CB'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:-1/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:x/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1:2/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1.evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1.evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1\\@evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://user@127.0.0.1:4321/cb'],
    ['http://127.0.0.1/cb', 'https://127.0.0.1:4321/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.2:4321/cb'],
    ['http://127.0.0.1/cb', 'http://127.1:4321/cb'],
    ['http://127.0.0.1/cb', 'http://[::1]:4321/cb'],
    ['http://127.0.0.1/cb', 'http://[::ffff:127.0.0.1]:4321/cb'],
    ['http://127.0.0.1/cb', 'http://localhost:4321/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/cb\n'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:4321/cb\t'],
    ['http://localhost/cb', 'http://localhost:4321/cb'],
    ['http://localhost/cb', 'http://127.0.0.1:4321/cb'],
    ['https://127.0.0.1/cb', 'https://127.0.0.1:4321/cb'],
    ['https://app.example/cb', 'https://app.example:4321/cb'],
    ['http://app.example/cb', 'http://app.example:4321/cb'],
  ])('%s does not match %j', (registered, requested) => {
    expect(matchesRedirectUri({ redirectUris: [registered] }, requested)).toBe(false)
  })

  it('is all that may differ: what matches is http to the same address with the same path and query', () => {
    const tail = fc.constantFrom(
      '',
      '/',
      '/cb',
      '/cb?a=1',
      '?a=1',
      '#',
      '/cb#',
      '@evil.example/',
      '.evil.example/',
      '\\',
      ' ',
    )
    const host = fc.constantFrom(
      ...[
        '127.0.0.1',
        '[::1]',
        'localhost',
        '127.0.0.2',
        'evil.example',
        'a@127.0.0.1',
        'a.localhost',
        'myapp:',
        'x.localhost.',
      ],
    )
    const origin = fc.constantFrom(undefined, 'registration' as const, 'metadata_document' as const)
    const port = fc.oneof(
      fc.constantFrom('', ':', ':0', ':99999', ':1x'),
      fc.nat(70000).map((n) => `:${n}`),
    )
    const uri = fc
      .tuple(fc.constantFrom('http://', 'https://', 'http:', 'myapp://'), host, port, tail)
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(uri, uri, origin, (registered, requested, of) => {
        const client = { redirectUris: [registered], ...(of && { origin: of }) }
        if (registered === requested || !matchesRedirectUri(client, requested)) return
        const [one, other] = [new URL(registered), new URL(requested)]
        one.port = ''
        other.port = ''
        expect(other.href).toBe(one.href)
        const addresses = ['127.0.0.1', '[::1]']
        expect(of ? [...addresses, 'localhost', 'a.localhost'] : addresses).toContain(other.hostname)
        expect([other.protocol, other.username, other.hash]).toEqual(['http:', '', ''])
      }),
      runs(3000),
    )
  })
})

describe('parameters added to a redirect URI', () => {
  it.each<[string, 'query' | 'fragment', string]>([
    ['https://app.example/cb', 'query', 'https://app.example/cb?code=x&state=y'],
    ['https://app.example', 'query', 'https://app.example?code=x&state=y'],
    ['https://app.example/cb?foo=bar', 'query', 'https://app.example/cb?foo=bar&code=x&state=y'],
    ['https://app.example/cb?', 'query', 'https://app.example/cb?code=x&state=y'],
    ['https://app.example/cb?foo=?', 'query', 'https://app.example/cb?foo=?&code=x&state=y'],
    ['https://app.example/cb??', 'query', 'https://app.example/cb??&code=x&state=y'],
    ['https://app.example/cb?foo=bar&', 'query', 'https://app.example/cb?foo=bar&code=x&state=y'],
    ['com.example.app:/cb', 'query', 'com.example.app:/cb?code=x&state=y'],
    ['https://app.example/cb?foo=bar', 'fragment', 'https://app.example/cb?foo=bar#code=x&state=y'],
  ])('%s as %s', (uri, mode, location) => {
    const parameters: [string, string][] = [
      ['code', 'x'],
      ['state', 'y'],
    ]
    expect(withParameters(uri, parameters, mode)).toBe(location)
  })

  it('keep the query of the URI byte for byte, and carry any state through header, browser and parser (RFC 6749 §4.1.2)', () => {
    const uris = fc.webUrl({ validSchemes: ['https'], withQueryParameters: true })
    fc.assert(
      fc.property(
        uris,
        fc.oneof(anyText, nastyText),
        fc.constantFrom('query' as const, 'fragment' as const),
        (uri, state, mode) => {
          fc.pre(state.isWellFormed())
          const location = withParameters(uri, [['state', state]], mode)
          expect(location.startsWith(uri)).toBe(true)
          expect(location.slice(uri.length)).toMatch(/^[?&#]?state=[\w.~!*()%-]*$/)
          const url = new URL(location)
          expect(url.origin).toBe(new URL(uri).origin)
          const added = mode === 'query' ? url.search : url.hash.slice(1)
          expect(new URLSearchParams(added).getAll('state').at(-1)).toBe(state)
        },
      ),
      runs(500),
    )
  })
})

it.each([
  ['https://app.example/cb', 'app.example'],
  ['https://app.example:8443/cb', 'app.example:8443'],
  ['http://[::1]:4321/cb', '[::1]:4321'],
  ['com.example.app:/cb', 'com.example.app'],
  // the host says nothing: anybody can write one there
  ['cursor://bank.example/cb', 'cursor'],
  ['com.example.app://bank.example/cb', 'com.example.app'],
])('%s leads to %s, in words', (uri, host) => {
  expect(redirectHost(uri)).toBe(host)
})

describe('a browser stays on its own device (RFC 8252 §8.6)', () => {
  it.each([
    ...['http://127.0.0.1:1/cb', 'http://[::1]/cb', 'http://localhost/cb', 'http://a.localhost:1/cb'],
    ...['com.example.app:/cb', 'cursor://bank.example/cb'],
  ])('at %s', (uri) => expect(staysOnDevice(uri)).toBe(true))
  it.each(['https://app.example/cb', 'https://127.0.0.1/cb', 'http://app.example/cb'])('not at %s', (uri) =>
    expect(staysOnDevice(uri)).toBe(false),
  )
})
