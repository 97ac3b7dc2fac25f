// ATTACKS.md row 3: the challenge is taken out on its way, in the browser or in the database (RFC 9700 §4.8.2).
import type { Client, Credential } from '../../src/index'
import type { PkcePolicy } from '../../src/rules/pkce'
import { createHost, type Host, pkce } from '../support/host'
import { rewriting } from '../support/storage'

const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }

async function expectInvalidGrant(host: Host, code: string, code_verifier?: string) {
  const answer = await host.exchange(host.native, code, { code_verifier })
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  expect(answer.body).not.toHaveProperty('access_token')
}

describe('PKCE downgrade', () => {
  it.each<[string, PkcePolicy]>([
    ['where every client must use it', 'all-clients'],
    ['where public clients must use it', 'public-clients'],
    ['where nobody must', 'optional'],
  ])('a code with a challenge is not redeemed without a verifier %s', async (_, policy) => {
    const host = await createHost({ pkce: policy })
    const code = await host.code(host.native)
    await expectInvalidGrant(host, code)
    await host.exchange(host.native, code).expect(200)
  })

  it('a verifier for a code without a challenge is refused: the challenge was stripped (RFC 9700 §2.1.1)', async () => {
    const host = await createHost({ pkce: 'optional' })
    const code = await host.code(host.native, withoutPkce)
    await expectInvalidGrant(host, code, pkce.verifier)
  })

  it('a stripped challenge is noticed at the authorization endpoint where PKCE is required', async () => {
    const host = await createHost()
    const answer = await host.authorize(host.native, withoutPkce)
    expect(answer.headers.location).toContain('error=invalid_request')
  })

  it('a code from before PKCE was required is not redeemed after', async () => {
    const host = await createHost({ pkce: 'optional' })
    const code = await host.code(host.native, withoutPkce)
    const record = (await host.storage.clients.find('native')) as Client
    const { version } = record
    await host.storage.clients.update({ ...record, version: version + 1, requirePkce: true }, version)
    await expectInvalidGrant(host, code)
  })
})

describe('an adapter that silently loses what a code is bound to fails closed:', () => {
  const lost: [string, (bound: Record<string, unknown>) => Record<string, unknown>][] = [
    ['the PKCE challenge', ({ codeChallenge: _, ...rest }) => rest],
    ['the PKCE challenge, as null', (bound) => ({ ...bound, codeChallenge: null })],
    ['the redirect URI', ({ redirectUri: _, ...rest }) => rest],
    ['all of it', () => ({})],
    [
      'the last characters of the challenge',
      (bound) => ({ ...bound, codeChallenge: String(bound.codeChallenge).slice(0, 40) }),
    ],
  ]
  it.each(lost)('%s', async (_, lose) => {
    for (const policy of ['all-clients', 'optional'] as const) {
      const host = await createHost({ pkce: policy })
      rewriting(host.storage, (row: Credential) => ({
        ...row,
        data: { ...row.data, bound: lose({ ...(row.data.bound as object) }) },
      }))
      const code = await host.code(host.native)
      await expectInvalidGrant(host, code)
      await expectInvalidGrant(host, code, pkce.verifier)
      const answer = await host.exchange(host.native, code, { code_verifier: undefined, redirect_uri: undefined })
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    }
  })

  it.each([null, 0, '', 'false'])('the flag requirePkce, which it answers as %j', async (flag) => {
    const host = await createHost()
    host.storage.replace('clients.find', async (call) => ({ ...((await call()) as object), requirePkce: flag }))
    const answer = await host.authorize(host.native, withoutPkce)
    expect(answer.headers.location ?? '').not.toContain('code=')
    expect(answer.status).toBe(503)
  })
})
