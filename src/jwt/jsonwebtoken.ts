/** Loads jsonwebtoken with the first JWT: an app without JWTs starts faster. */

let loaded: typeof import('jsonwebtoken') | undefined

export function jsonwebtoken(): typeof import('jsonwebtoken') {
  loaded ??= require('jsonwebtoken') as typeof import('jsonwebtoken')
  return loaded
}
