/**
 * The words of every page: plain text with the placeholders `{client}`, `{user}`, `{host}`, `{target}`, `{resources}`,
 * `{claims}`, `{date}`, `{code}` and `{network}`.
 */

export interface PageTexts {
  /** The direction of the script. @default 'ltr' */
  dir?: 'ltr' | 'rtl'
  /** Scopes in words, in this language. @default the words in the server's `scopes` option */
  scopes?: Readonly<Record<string, string>>

  /** Claims about users in words, for `openid()`, in this language. @default their names */
  claims?: Readonly<Record<string, string>>

  consentTitle: string
  signedInAs: string
  /** The app registered itself; `{host}` is where the response goes: a host, or `appOnDevice`. */
  uncheckedName: string
  /** The app is described by a document at `{host}`; `{target}` is where the response goes. */
  uncheckedHost: string
  /** Where the response goes, if not to a host. `{host}` is the address that the app listens at. */
  appOnDevice: string
  /** The same, where the app opens links of a private-use scheme. `{host}` is that scheme, such as `com.example.app`. */
  appByScheme: string
  /** Follows `uncheckedName` or `uncheckedHost`. */
  allowIfKnown: string
  /** The same, where an app on the user's own device is waiting. */
  allowIfStarted: string
  /** The link to sign in as another user. */
  notYou: string
  /** Stands above the list of scopes. */
  clientMay: string
  /** Stands in that list, for what the client asked to know by name: `{claims}`. */
  seeClaims: string
  /** Replaces `clientMay` and the list where the request has no scope. */
  clientKnowsYou: string
  /** Follows `clientMay` and `clientKnowsYou`, where the client named the APIs that it wants to call (RFC 8707). */
  onlyAt: string
  /** The links to what the client says of itself. */
  privacyPolicy: string
  termsOfService: string
  allow: string
  deny: string
  goesOnTo: string
  /** The same, where an app on the user's own device is waiting. */
  goesOnToDevice: string
  /** The same, where that app opens links of the private-use scheme `{host}`. */
  goesOnToScheme: string
  /** The user's answer was sent twice, too soon after the page, too late, or from another account. */
  answerUnused: string
  /** The page that sends a browser on to the client. */
  onward: string

  /** The page where the code of a device is entered (RFC 8628). */
  deviceTitle: string
  deviceIntro: string
  /** The label of the field. */
  deviceCode: string
  /** The code is unknown, expired or answered. */
  deviceUnknown: string
  /** Replaces `{host}` and `{target}` in `uncheckedName` and `uncheckedHost`, where a device asks. */
  deviceShowing: string
  /** Which device asks, and the warning of links from strangers. */
  deviceAsked: string
  deviceOnlyIf: string
  /** Replaces `goesOnTo`, where a device asks. */
  deviceLearns: string
  /** The page after the answer. */
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

  /** The page of a wrong request. */
  errorTitle: string
  errorText: string
  /** The page of a failure of the server. */
  failureTitle: string
  failureText: string
  /** The page that takes the answer back to the client, by a form. */
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
  /** The page after a yes, and after a session that had ended already. */
  signedOutTitle: string
  signedOutText: string
  /** The page after a no. */
  stillSignedInTitle: string
  stillSignedInText: string
}
