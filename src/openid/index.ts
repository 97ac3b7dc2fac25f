/** The public names of express-authorization-server/openid. */

export type { ClaimAsked, ClaimsAsked, OpenIdProvider, OpenIdRequest, Prompt, SignIn, Subjects } from '../types/openid'
export { type EndSessionRouterOptions, endSessionRouter } from './end-session'
export { logoutSessions } from './logout'
export { type OpenIdOptions, openid } from './openid'
export type { AuthenticationOf } from './settings'
export { type PairwiseOptions, pairwise } from './subject'
export { type UserinfoRouterOptions, userinfoRouter } from './userinfo'
