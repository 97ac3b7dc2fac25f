/** The public names of express-authorization-server/developer. */

export { type DeveloperPersonalTokensOptions, type DeveloperRouterOptions, developerRouter } from './developer'
export type { DeveloperTexts } from './texts'
