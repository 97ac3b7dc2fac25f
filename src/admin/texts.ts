/** The texts of the administrator pages. */
import type { FormTexts } from '../forms/texts'

/** The texts of the administrator pages in one language. Names in braces are placeholders. */
export interface AdminTexts extends FormTexts {
  clientsTitle: string
  clientsIntro: string
  noClients: string
  find: string
  findBy: string
  byName: string
  byId: string
  byOwner: string
  byUser: string
  search: string
  /** The search fields. */
  findHint: string
  /** The same, if the storage cannot search by name. */
  findHintWithoutNames: string
  owner: string
  clientId: string
  description: string
  state: string
  enabled: string
  disabled: string
  origin: string
  /** The client registered itself, with open registration. */
  registered: string
  /** The client registered itself, admitted by the host. */
  admitted: string
  redirectUris: string
  scopes: string
  grantTypes: string
  authentication: string
  createdOn: string
  changedOn: string
  disable: string
  disableTitle: string
  disableText: string
  enable: string
  enableTitle: string
  enableText: string
  saved: string
  newSecret: string
  secretTitle: string
  secretText: string
  secretMade: string
  clientSecret: string
  secretOnce: string
  overlap: string
  overlapNone: string
  overlapHour: string
  overlapDay: string
  overlapWeek: string
  deleteApp: string
  deleteTitle: string
  deleteText: string
  deleted: string
  noRecord: string
  grants: string
  grantsOfUser: string
  grantsOfClient: string
  noGrants: string
  since: string
  personalToken: string
  end: string
  endTitle: string
  endText: string
  endAll: string
  endAllOfUserTitle: string
  endAllOfClientTitle: string
  endAllText: string
  ended: string
  endedBefore: string
}
