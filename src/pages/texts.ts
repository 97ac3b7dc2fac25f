/** The words of every page: plain text, in which `{client}`, `{user}`, `{host}`, `{target}`, `{resources}` and `{date}` are filled in. */

export interface PageTexts {
  /** How the language is written. @default 'ltr' */
  dir?: 'ltr' | 'rtl'
  /** Scopes in words, for this language. @default what the `scopes` option of the server says */
  scopes?: Readonly<Record<string, string>>

  consentTitle: string
  signedInAs: string
  /** The app registered itself; `{host}` is where the answer goes: a host, or `appOnDevice`. */
  uncheckedName: string
  /** The app is described by a document at `{host}`; `{target}` is where the answer goes. */
  uncheckedHost: string
  /** Where the answer goes, where that is no host; `{host}` is the scheme of the app, or the address that it listens at. */
  appOnDevice: string
  /** Stands behind one of these two. */
  allowIfKnown: string
  /** The same, where an app on the user's own device is waiting. */
  allowIfStarted: string
  /** The link to sign in as somebody else. */
  notYou: string
  /** Stands before the list of scopes. */
  clientMay: string
  /** Stands instead of it, where there are none. */
  clientKnowsYou: string
  /** Follows both, where the client named the APIs that it wants to call (RFC 8707). */
  onlyAt: string
  allow: string
  deny: string
  goesOnTo: string
  /** The same, where an app on the user's own device is waiting. */
  goesOnToDevice: string
  /** An answer came twice, too soon after the page, too late, or from another account. */
  answerUnused: string

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

  /** A request that cannot be answered. */
  errorTitle: string
  errorText: string
  /** A failure of the server. */
  failureTitle: string
  failureText: string
  signInTitle: string
  signInText: string
}
