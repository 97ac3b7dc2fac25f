/** Signatures of JWTs (RFC 7515 §5.2), as another library makes them. */
import { createPublicKey, sign } from 'node:crypto'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'
import { isSignatureOf } from '../../src/crypto'
import { algorithmsOf, verificationAlgorithms } from '../../src/jwt/keys'

describe.each(verificationAlgorithms)('a JWS by %s', (alg) => {
  const signed = async () => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const key = createPublicKey({ key: (await exportJWK(publicKey)) as never, format: 'jwk' })
    const jws = await new CompactSign(Buffer.from('{"sub":"u1"}')).setProtectedHeader({ alg }).sign(privateKey)
    return { jws, key, privateKey }
  }

  it('is signed with its key and by its algorithm alone', async () => {
    const { jws, key } = await signed()
    expect(isSignatureOf(jws, alg, key)).toBe(true)
    expect(isSignatureOf(jws, alg, (await signed()).key)).toBe(false)
    const family = alg.startsWith('ES') ? /^ES/ : /^[RP]S/
    const others = verificationAlgorithms.filter((other) => other !== alg && family.test(other))
    expect(others.filter((other) => isSignatureOf(jws, other, key))).toEqual([])
  })

  it('is not signed once a character of it is another', async () => {
    const { jws, key } = await signed()
    const [header, payload, signature] = jws.split('.') as [string, string, string]
    const last = jws.length - signature.length
    for (const at of [3, header.length + 3, last, last + 20]) {
      const altered = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
      expect(isSignatureOf(altered, alg, key)).toBe(false)
    }
    for (const wrong of ['', 'AAAA', signature.slice(0, -4), `${signature}AAAA`]) {
      expect(isSignatureOf(`${header}.${payload}.${wrong}`, alg, key)).toBe(false)
    }
  })
})

it('of ECDSA is R and S, and no structure of ASN.1 (RFC 7518 §3.4)', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const key = createPublicKey({ key: (await exportJWK(publicKey)) as never, format: 'jwk' })
  const text = 'e30.e30'
  const pem = { key: (await exportJWK(privateKey)) as never, format: 'jwk' as const }
  const der = sign('sha256', Buffer.from(text), pem).toString('base64url')
  const plain = sign('sha256', Buffer.from(text), { ...pem, dsaEncoding: 'ieee-p1363' }).toString('base64url')
  expect(algorithmsOf(key)).toEqual(['ES256'])
  expect(isSignatureOf(`${text}.${der}`, 'ES256', key)).toBe(false)
  expect(isSignatureOf(`${text}.${plain}`, 'ES256', key)).toBe(true)
})
