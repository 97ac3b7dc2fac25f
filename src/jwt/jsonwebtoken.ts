/** jsonwebtoken, loaded with the first JWT that is signed or read: an app without any starts sooner. */

let loaded: typeof import('jsonwebtoken') | undefined

export function jsonwebtoken(): typeof import('jsonwebtoken') {
  loaded ??= require('jsonwebtoken') as typeof import('jsonwebtoken')
  return loaded
}
