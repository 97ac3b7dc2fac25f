/**
 * Private-use URI schemes, by which a browser passes the authorization response to an app on its device (RFC 8252
 * §7.1).
 */

/** Schemes with a meaning on every device: a browser sent there would run, read, call or open something else. */
const reservedNames: ReadonlySet<string> = new Set(
  [
    // what runs, or is read as a page
    'javascript jscript livescript mocha vbscript wscript data blob jar mhtml',
    'applescript shortcuts workflow jnlp jnlps x-man-page',
    // what is fetched from a host, or looked for by a name
    'ws wss ftp ftps sftp tftp gopher dav davs git svn rtsp rtmp magnet ipfs ipns',
    'urn cid mid tag dns news nntp snews feed webcal',
    // what is on the device
    'file filesystem content res resource shell search search-ms mk its hcp help prefs app-prefs',
    // people, by a message or a call, places and shops
    'telprompt facetime-audio facetime-prompt',
    'mailto tel sms smsto mms mmsto fax callto facetime sip sips xmpp irc ircs geo maps market itms payto bitcoin',
    // another machine
    'ssh telnet tn3270 rlogin smb nfs afp cifs ldap ldaps rdp vnc jdbc',
    // browsers' own
    'about chrome edge brave opera vivaldi firefox devtools extension intent android-app',
    'view-source wyciwyg googlechrome googlechromes microsoft-edge',
  ].flatMap((line) => line.split(' ')),
)
/** Reserved beginnings: `http` in any form, a browser's own, a web page's (`web+`), and an operating system's. */
const reservedFamilies = /^(https?([+-]|$)|web\+|x-apple|(chrome|moz|safari|opera|firefox|x-safari|x-web|ms|itms)-)/
/** In characters. The consent page shows the scheme, which a longer one would fill with a stranger's words. */
const MAX_SCHEME = 128
/** The scheme for Windows apps. */
const windowsApp = 'ms-app'

const lowerCase = /^[a-z][a-z0-9+-]+(\.[a-z0-9+-]+)*:/
/** `scheme:path`, `scheme:/path`, `scheme://host/path` or `scheme:///path`, without a user name. */
const withPath = /^[^:]+:(\/?[^/]|\/\/[^/?@]+([/?]|$)|\/\/\/[^/])/
/** A scheme without a dot. It is no reversed domain name, so any program may have registered the same one. */
export const schemeWithoutDot = /^(?!https?:)[^:./?#]+:/

/** Returns why an app cannot have this redirect URI with this scheme, or undefined. */
export function privateUseProblem(uri: string, scheme: string, needsDot: () => string | undefined): string | undefined {
  const name = scheme.toLowerCase()
  if (/^https?$/.test(name)) return `must begin with ${name}:// in lower case and a host, without a user name`
  if (name !== windowsApp && (reservedNames.has(name) || reservedFamilies.test(name))) {
    return `must not use the scheme ${name}, which belongs to browsers or other programs`
  }
  if (/^[^:]+:\d+([/?]|$)/.test(uri)) return 'must begin with https:// or http:// to name a host and a port'
  if (!lowerCase.test(uri)) return 'must have a scheme of two or more lower-case letters, digits, plus, minus and dots'
  if (name.length > MAX_SCHEME) return `must have a scheme of at most ${MAX_SCHEME} characters`
  if (!withPath.test(uri) || !URL.canParse(uri)) {
    return `must have a path after its scheme and no user name, as in ${name}:/callback or ${name}://callback`
  }
  return scheme.includes('.') ? undefined : needsDot()
}
