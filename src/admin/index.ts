/** What administrators of a server have: the pages for them, and what they look for, page by page. */
export { type AdminRouterOptions, adminRouter } from './admin'
export {
  type ClientsPage,
  type FindClientsQuery,
  type FindGrantsQuery,
  findClients,
  findGrants,
  type GrantsPage,
  type PageQuery,
} from './find'
export type { AdminTexts } from './texts'
