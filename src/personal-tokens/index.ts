/** The public names of express-authorization-server/personal-tokens. */

export type { PersonalToken } from './listed'
export {
  type IssuePersonalTokenOptions,
  issuePersonalToken,
  listPersonalTokens,
  revokePersonalToken,
} from './operations'
export { type PersonalTokensOptions, personalTokens } from './personal-tokens'
