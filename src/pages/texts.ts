/**
 * The texts of all pages: plain text with the placeholders `{client}`, `{user}`, `{host}`, `{target}`, `{resources}`,
 * `{claims}`, `{date}`, `{code}` and `{network}`.
 */

export interface PageTexts {
  /** The direction of the script. @default 'ltr' */
  dir?: 'ltr' | 'rtl'
  /** Scopes in words, in this language. @default the texts in the server's `scopes` option */
  scopes?: Readonly<Record<string, string>>

  /** Claims about users in words, for `openid()`, in this language. @default their names */
  claims?: Readonly<Record<string, string>>

  consentTitle: string
  signedInAs: string
  /** The app registered itself. `{host}` is where the response goes: a host, or `appOnDevice`. */
  uncheckedName: string
  /** A document at `{host}` describes the app. `{target}` is where the response goes. */
  uncheckedHost: string
  /** Where the response goes, if not to a host. `{host}` is the address that the app listens on. */
  appOnDevice: string
  /** The same, for an app with a private-use scheme. `{host}` is the scheme, such as `com.example.app`. */
  appByScheme: string
  /** Follows `uncheckedName` or `uncheckedHost`. */
  allowIfKnown: string
  /** The same, for an app on the user's own device. */
  allowIfStarted: string
  /** The link to sign in as another user. */
  notYou: string
  /** The heading of the list of scopes. */
  clientMay: string
  /** An item of that list, for claims that the client requests by name: `{claims}`. */
  seeClaims: string
  /** Replaces `clientMay` and the list if the request has no scope. */
  clientKnowsYou: string
  /** Follows `clientMay` and `clientKnowsYou` if the client named the APIs that it wants to call (RFC 8707). */
  onlyAt: string
  /** The links to the client's own pages. */
  privacyPolicy: string
  termsOfService: string
  allow: string
  deny: string
  goesOnTo: string
  /** The same, for an app on the user's own device. */
  goesOnToDevice: string
  /** The same, for an app with the private-use scheme `{host}`. */
  goesOnToScheme: string
  /** The answer was sent twice, too soon, too late, or from another account. */
  answerUnused: string
  /** The page that sends a browser on to the client. */
  onward: string

  /** The page where a user enters the code of a device (RFC 8628). */
  deviceTitle: string
  deviceIntro: string
  /** The label of the field. */
  deviceCode: string
  /** The code is unknown, expired or answered. */
  deviceUnknown: string
  /** Replaces `{host}` and `{target}` in `uncheckedName` and `uncheckedHost` for a device. */
  deviceShowing: string
  /** Describes the device, and warns of links from strangers. */
  deviceAsked: string
  deviceOnlyIf: string
  /** Replaces `goesOnTo` for a device. */
  deviceLearns: string
  /** The page after the decision. */
  deviceAllowedTitle: string
  deviceAllowedText: string
  deviceDeniedTitle: string
  deviceDeniedText: string

  appsTitle: string
  appsIntro: string
  noApps: string
  accessSince: string
  knowsYou: string
  remove: string
  removeTitle: string
  removeText: string
  keep: string
  removed: string
  previousPage: string
  nextPage: string

  /** The page for a wrong request. */
  errorTitle: string
  errorText: string
  /** The page for a failure of the server. */
  failureTitle: string
  failureText: string
  /** The page that returns the response to the client, by a form. */
  continueTitle: string
  continueText: string
  continue: string
  signInTitle: string
  signInText: string

  /** The page that asks whether to sign out. */
  signOutTitle: string
  signOutText: string
  signOut: string
  staySignedIn: string
  /** The page after a yes, or after a session that had already ended. */
  signedOutTitle: string
  signedOutText: string
  /** The page after a no. */
  stillSignedInTitle: string
  stillSignedInText: string
}
