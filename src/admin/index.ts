/** The public names of express-authorization-server/admin. */
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
