// Beyond ATTACKS.md: everything that was handed out, presented everywhere that it does not belong.
import {
  approve,
  authorizationCode,
  clientCredentials,
  consentPage,
  refreshToken,
  verifyAccessToken,
} from '../../src/index'
import { answerConsent, askConsent } from '../support/consent'
import { createHost, type Host, type Tokens } from '../support/host'

let host: Host
let held: Record<
  'code' | 'used code' | 'consent' | 'access' | 'refresh' | 'old refresh' | 'client' | 'client secret',
  string
>
let tokens: Tokens
beforeAll(async () => {
  const silent = approve({ clients: ['native'] })
  const asking = consentPage({ signIn: '/login' })
  const decide: typeof asking = Object.assign(
    (...args: Parameters<typeof asking>) => (args[0].client.clientId === 'native' ? silent(...args) : asking(...args)),
    { usersAt: asking.usersAt as NonNullable<typeof asking.usersAt> },
  )
  host = await createHost({
    decide,
    grants: [authorizationCode({ ttl: 600 }), clientCredentials(), refreshToken()],
    throttle: false,
  })
  const { fields } = await askConsent(host, host.web)
  const used = await host.code(host.native)
  const first = (await host.exchange(host.native, used).expect(200)).body as Tokens
  tokens = (await host.refresh(host.native, first.refresh_token).expect(200)).body as Tokens
  held = {
    code: await host.code(host.native),
    'used code': used,
    consent: fields.consent_transaction as string,
    access: tokens.access_token,
    refresh: tokens.refresh_token,
    'old refresh': first.refresh_token,
    client: (await host.token(host.web, { grant_type: 'client_credentials', scope: 'read' })).body.access_token,
    'client secret': host.web.clientSecret as string,
  }
})

/** The secret of one under the lookup id of another, and every suffix that there is. */
function forgeries(token: string): string[] {
  const [id = '', secret = ''] = token.split('.')
  const grant = id.split('~')[0] as string
  return ['a', 'b', 'c', 'r', 't', 'x']
    .filter((suffix) => `${grant}~${suffix}` !== id)
    .map((suffix) => `${grant}~${suffix}.${secret}`)
}

describe('as an access token', () => {
  it.each(['code', 'used code', 'consent', 'refresh', 'old refresh', 'client secret'] as const)(
    'a %s opens nothing',
    async (kind) => {
      const half = held[kind].slice(0, held[kind].indexOf('.') + 44)
      for (const token of [held[kind], half, ...forgeries(held[kind]), ...forgeries(half)]) {
        expect((await host.me(token)).status).toBe(401)
        await expect(verifyAccessToken(host.server, token)).rejects.toMatchObject({ code: 'invalid_token' })
        expect((await host.introspect(host.api, token)).body).toEqual({ active: false })
      }
    },
  )

  it('a live one opens nothing under another id', async () => {
    for (const kind of ['access', 'client'] as const) {
      for (const token of forgeries(held[kind])) expect((await host.me(token)).status).toBe(401)
    }
  })
})

describe('as a code', () => {
  it.each(['consent', 'access', 'refresh', 'old refresh', 'client', 'client secret'] as const)(
    'a %s is exchanged for nothing',
    async (kind) => {
      for (const code of [held[kind], ...forgeries(held[kind])]) {
        const answer = await host.exchange(host.native, code)
        expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
      }
    },
  )
})

describe('as a refresh token', () => {
  it.each(['code', 'used code', 'consent', 'access', 'client', 'client secret'] as const)(
    'a %s refreshes nothing',
    async (kind) => {
      for (const token of [held[kind], `${held[kind]}${'A'.repeat(43)}`, ...forgeries(held[kind])]) {
        const answer = await host.refresh(host.native, token)
        expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
      }
    },
  )
})

describe('as a consent transaction', () => {
  it.each(['code', 'access', 'refresh', 'client'] as const)('a %s agrees to nothing', async (kind) => {
    const query = host.authorizationRequest(host.web)
    for (const consent_transaction of [held[kind], ...forgeries(held[kind])]) {
      expect((await answerConsent(host, query, { consent_transaction })).headers).not.toHaveProperty('location')
    }
  })
})

describe('at the revocation endpoint', () => {
  it.each(['code', 'used code', 'consent', 'client secret'] as const)('a %s revokes nothing', async (kind) => {
    for (const token of [held[kind], ...forgeries(held[kind])]) {
      for (const client of [host.native, host.web]) await host.revoke(client, token).expect(200)
    }
  })
})

it('and everything is still what it was', async () => {
  expect((await host.me(held.access)).status).toBe(200)
  expect((await host.me(held.client)).status).toBe(200)
  await host.exchange(host.native, held.code).expect(200)
  await host.refresh(host.native, held.refresh).expect(200)
})
