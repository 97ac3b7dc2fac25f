/**
 * The texts of the developer pages: plain text with the placeholders `{app}`, `{name}`, `{date}`, `{days}` and
 * `{user}`.
 */
import type { FormTexts } from '../forms/texts'

/** The texts of the developer pages in one language. */
export interface DeveloperTexts extends FormTexts {
  appsTitle: string
  appsIntro: string
  noApps: string
  newApp: string
  kindTitle: string
  /** The types of app, each with a sentence. */
  web: string
  webText: string
  spa: string
  spaText: string
  mobile: string
  mobileText: string
  machine: string
  machineText: string
  /** The form of an app. */
  name: string
  nameHint: string
  nameMissing: string
  nameWrong: string
  redirectUris: string
  redirectHint: string
  redirectHintMobile: string
  redirectMissing: string
  redirectWrong: string
  scopes: string
  scopesWrong: string
  keys: string
  keysHint: string
  keysUri: string
  keysWrong: string
  keysMissing: string
  createApp: string
  save: string
  /** An error that belongs to no field. */
  refused: string
  /** The page of an app. */
  kind: string
  clientId: string
  clientSecret: string
  secretSince: string
  secretUntil: string
  createdOn: string
  /** The status of a disabled app, and its explanation. */
  disabled: string
  disabledText: string
  edit: string
  editTitle: string
  saved: string
  /** The page that shows a secret, once. */
  created: string
  secretOnce: string
  newSecret: string
  secretTitle: string
  secretText: string
  secretMade: string
  overlap: string
  overlapNone: string
  overlapHour: string
  overlapDay: string
  overlapWeek: string
  deleteApp: string
  deleteTitle: string
  deleteText: string
  deleted: string
  /** Personal access tokens. */
  tokensTitle: string
  tokensIntro: string
  noTokens: string
  newToken: string
  tokenNameHint: string
  tokenScopes: string
  tokenScopesMissing: string
  tokenLife: string
  tokenDays: string
  createToken: string
  tokenMade: string
  token: string
  validUntil: string
  lastUsed: string
  neverUsed: string
  revoke: string
  revokeTitle: string
  revokeText: string
  revoked: string
}
