/** The public names of express-authorization-server/personal-tokens. */

export {
  type IssuePersonalTokenOptions,
  issuePersonalToken,
  listPersonalTokens,
  type PersonalToken,
  revokePersonalToken,
} from './operations'
export { type PersonalTokensOptions, personalTokens } from './personal-tokens'
