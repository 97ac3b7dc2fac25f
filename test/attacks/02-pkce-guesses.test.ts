// ATTACKS.md row 2: what somebody tries who has a stolen code and no verifier.
import { createHash } from 'node:crypto'
import { createHost, type Host, pkce } from '../support/host'

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')
const anotherVerifier = 'M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag'

let host: Host
beforeEach(async () => {
  host = await createHost()
})

describe('PKCE guesses at the token endpoint burn nothing and open nothing:', () => {
  it.each<[string, string | undefined]>([
    ['no verifier', undefined],
    ['an empty verifier', ''],
    ['a wrong verifier', anotherVerifier],
    ['the challenge, as plain would have it', pkce.challenge],
    ['the beginning of the verifier', pkce.verifier.slice(0, 42)],
    ['the verifier and more', `${pkce.verifier}a`],
    ['the verifier in another case', pkce.verifier.toLowerCase()],
    ['the verifier with padding', `${pkce.verifier}=`],
    ['the verifier between spaces', ` ${pkce.verifier} `],
    ['42 characters', 'a'.repeat(42)],
    ['129 characters', 'a'.repeat(129)],
    ['a megabyte is too much of anything', 'a'.repeat(60_000)],
    ['letters beyond the alphabet', 'ä'.repeat(43)],
    ['a wildcard', '%'.repeat(43)],
    ['a line break', `${pkce.verifier}\n`],
  ])('%s', async (_, code_verifier) => {
    const code = await host.code(host.native)
    const answer = await host.exchange(host.native, code, { code_verifier })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    await host.exchange(host.native, code).expect(200)
  })

  it('two verifiers, one of them right', async () => {
    const code = await host.code(host.native)
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: host.native.clientId,
      redirect_uri: host.native.redirectUri,
      code,
      code_verifier: anotherVerifier,
    })
    form.append('code_verifier', pkce.verifier)
    const answer = await host.http().post('/oauth2/token').type('form').send(form.toString())
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    await host.exchange(host.native, code).expect(200)
  })
})

describe('challenges that protect nothing are refused at the authorization endpoint:', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['plain', pkce.verifier, 'plain'],
    ['no method, which means plain', pkce.verifier, undefined],
    ['an unknown method', pkce.challenge, 'S512'],
    ['S256 in lower case', pkce.challenge, 's256'],
    ['a challenge that no verifier has', 'short', 'S256'],
    ['the hash in hexadecimal', createHash('sha256').update(pkce.verifier).digest('hex'), 'S256'],
    ['the hash in base64', createHash('sha256').update(pkce.verifier).digest('base64'), 'S256'],
    ['none', undefined, undefined],
  ])('%s', async (_, code_challenge, code_challenge_method) => {
    const answer = await host.authorize(host.native, { code_challenge, code_challenge_method })
    expect(answer.headers.location).toContain('error=invalid_request')
    expect(answer.headers.location).not.toContain('code=')
  })

  it('a verifier that is too short has no challenge that it opens', async () => {
    const short = 'a'.repeat(42)
    const code = await host.code(host.native, { code_challenge: challengeOf(short) })
    const answer = await host.exchange(host.native, code, { code_verifier: short })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  })
})
