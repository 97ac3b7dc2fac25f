/** The public names of express-authorization-server/openid. */

export { type OpenIdOptions, openid } from './openid'
export { type UserinfoRouterOptions, userinfoRouter } from './userinfo'
