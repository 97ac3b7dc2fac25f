// DPoP proofs (RFC 9449 §4.2): made by clients with a hundred keys, and verified as plainly as Node can, with nothing of ours.
const { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } = require('node:crypto')

const KEYS = 100
const encoded = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** @type {{ privateKey: import('node:crypto').KeyObject, header: string }[]} */
const keys = []

/** A fresh proof by the nth key. It is good for a minute. @param {number} n @param {string} method @param {string} url @param {string} [token] */
function proofFor(n, method, url, token) {
  if (keys.length === 0) keys.push(...Array.from({ length: KEYS }, newKey))
  const { privateKey, header } = /** @type {typeof keys[number]} */ (keys[n % KEYS])
  const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }
  const claims = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), ...ath }
  const signed = `${header}.${encoded(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, header: encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) }) }
}

/** Express middleware: the signature is that of the key in the header, and that is all that is looked at. */
function verifyPlainly(/** @type {any} */ req, /** @type {any} */ res, /** @type {() => void} */ next) {
  const [header = '', payload = '', signature = ''] = String(req.headers.dpop).split('.')
  const { jwk } = JSON.parse(Buffer.from(header, 'base64url').toString())
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const signed = Buffer.from(`${header}.${payload}`)
  const isRight = verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  if (isRight) return next()
  res.status(400).json({ error: 'invalid_dpop_proof' })
}

module.exports = { proofFor, verifyPlainly }
