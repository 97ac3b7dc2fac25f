// The signature of an id_token alone: made as plainly as Node can, with nothing of ours.
const { generateKeyPairSync, sign } = require('node:crypto')

/** The key of that algorithm. @param {string} operation */
function keyFor(operation) {
  return operation.endsWith('es256')
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** As long as what an id_token with a nonce, `acr`, `amr` and `sid` signs. */
const signed = Buffer.from('x'.repeat(620))

/** Express middleware: one signature for each request, as JWTs have it. @param {string} operation */
function signPlainly(operation) {
  const key = keyFor(operation)
  return (/** @type {any} */ _req, /** @type {any} */ _res, /** @type {() => void} */ next) => {
    sign('sha256', signed, { key, dsaEncoding: 'ieee-p1363' })
    next()
  }
}

module.exports = { keyFor, signPlainly }
