import { setTimeout as delay } from 'node:timers/promises'
import express from 'express'
import { type AuthResult, auth } from 'express-oauth2-jwt-bearer'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { listen, type RunningApp } from '../../examples/shared/start'
import { generateSigningKey, issueTokens, type JwtOptions, jwt, type SigningKeys } from '../../src'
import type { SigningAlgorithm } from '../../src/jwt/keys'
import { createHost, type Host, issuer } from '../support/host'

const audience = 'https://api.example.com'
const key = generateSigningKey()

describe('the published keys (RFC 7517)', () => {
  it('are named in the metadata exactly when access tokens are JWTs', async () => {
    const place = '/.well-known/oauth-authorization-server'
    const jwts = await createHost({ accessTokens: jwt({ keys: key, audience }) })
    const { body } = await jwts.http().get(place).expect(200)
    expect(body.jwks_uri).toBe(`${issuer}/.well-known/jwks.json`)
    const opaque = await createHost()
    expect((await opaque.http().get(place).expect(200)).body).not.toHaveProperty('jwks_uri')
    await opaque.http().get('/.well-known/jwks.json').expect(418)
  })

  it('are the public halves of the current, the next and the retired keys, for five minutes', async () => {
    const [next, retired] = [generateSigningKey(), generateSigningKey('PS256')]
    const keys = { current: key, next, retired: [retired] }
    const host = await createHost({ accessTokens: jwt({ keys, audience }) })
    const { body, headers } = await host.http().get('/.well-known/jwks.json').expect(200)
    expect(headers['content-type']).toBe('application/json')
    expect(headers['cache-control']).toBe('public, max-age=300')
    const { d: _, ...published } = key
    expect(body.keys[0]).toEqual(published)
    expect(body.keys.map(({ kid }: { kid: string }) => kid)).toEqual([key.kid, next.kid, retired.kid])
    expect(JSON.stringify(body)).not.toMatch(/"(d|p|q|dp|dq|qi|k)":/)
  })

  it('are below the same well-known place for an issuer with a path, so that two servers can share a host', async () => {
    const host = await createHost({ issuer: `${issuer}/tenant/`, accessTokens: jwt({ keys: key, audience }) })
    const { body } = await host.http().get('/.well-known/oauth-authorization-server/tenant').expect(200)
    expect(body.jwks_uri).toBe(`${issuer}/.well-known/jwks.json/tenant`)
    await host.http().get('/.well-known/jwks.json/tenant').expect(200)
    await host.http().head('/.well-known/jwks.json/tenant').expect(200)
    await host.http().get('/.well-known/jwks.json').expect(418)
  })

  it('are not there while the host function that has them fails, and the host hears of it', async () => {
    let broken = false
    const keys = () => {
      if (broken) throw new Error('the vault is closed')
      return key
    }
    const host = await createHost({ accessTokens: jwt({ keys, audience }) })
    broken = true
    const { text } = await host.http().get('/.well-known/jwks.json').expect(500)
    expect(text).not.toContain('vault')
    expect(host.reportedErrors()).toHaveLength(1)
  })
})

/** The host on a port of its own, with the clock of this machine, because other libraries look at that one. */
async function serve(options: Omit<JwtOptions, 'audience'>): Promise<RunningApp & { host: Host }> {
  let host: Host | undefined
  const app = await listen(async (name) => {
    const now = () => Date.now() / 1000
    host = await createHost({ issuer: name, now, accessTokens: jwt({ audience, ...options }) })
    return host.app
  })
  return { ...app, host: host as Host }
}

describe.each<[SigningAlgorithm]>([['ES256'], ['RS256'], ['PS256']])('a token signed with %s', (algorithm) => {
  let app: RunningApp & { host: Host }
  beforeAll(async () => {
    app = await serve({ keys: generateSigningKey(algorithm) })
  })
  afterAll(() => app.close())

  it('is accepted by createRemoteJWKSet and jwtVerify of jose', async () => {
    const { access_token } = await app.host.signIn()
    const answer = await fetch(`${app.issuer}/.well-known/oauth-authorization-server`)
    const { jwks_uri } = (await answer.json()) as { jwks_uri: string }
    const keys = createRemoteJWKSet(new URL(jwks_uri))
    const verified = await jwtVerify(access_token, keys, {
      issuer: app.issuer,
      audience,
      typ: 'at+jwt',
      algorithms: [algorithm],
      requiredClaims: ['sub', 'client_id', 'exp', 'iat', 'jti', 'scope'],
    })
    expect(verified.payload).toMatchObject({ sub: 'alice', client_id: 'web', scope: 'read write' })
  })

  it('is accepted by express-oauth2-jwt-bearer in strict mode, which finds everything by the issuer', async () => {
    const api = await listen(async () => {
      const guarded = express()
      guarded.use(auth({ issuerBaseURL: app.issuer, audience, strict: true, tokenSigningAlg: algorithm }))
      return guarded.get('/', (req, res) => void res.json((req.auth as AuthResult | undefined)?.payload))
    })
    const call = (token: string) => fetch(api.issuer, { headers: { authorization: `Bearer ${token}` } })
    const { access_token } = await app.host.signIn()
    const answer = await call(access_token)
    expect(await answer.json()).toMatchObject({ sub: 'alice', client_id: 'web' })
    expect(answer.status).toBe(200)
    expect((await call(`${access_token.slice(0, -8)}AAAAAAAA`)).status).toBe(401)
    await api.close()
  })
})

describe('a change of keys under load', () => {
  it('refuses no token: neither our guard, nor introspection, nor a verifier that knows only what is published', async () => {
    const made = [1, 2, 3, 4, 5].map(() => generateSigningKey())
    const at = (i: number) => made[i] as typeof key
    let keys: SigningKeys = { current: at(0), next: at(1) }
    const { host, issuer, close } = await serve({ keys: () => keys })
    // it never asks for a key that it does not know: it has what was published in the last 100 ms
    const published = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), {
      cacheMaxAge: 100,
      cooldownDuration: 60_000,
    })
    const kids = new Set<unknown>()
    const verified = { count: 0, underOldKey: 0 }
    let done = false
    const failures: unknown[] = []
    const load = async () => {
      const older: string[] = []
      while (!done) {
        const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
        older.push(access_token)
        // the one just made, and one of before the last change
        for (const token of [access_token, older.at(-5) ?? access_token]) {
          const { protectedHeader } = await jwtVerify(token, published, { issuer, audience, typ: 'at+jwt' })
          kids.add(protectedHeader.kid)
          if (protectedHeader.kid !== (keys.current as typeof key).kid) verified.underOldKey++
          if (!(await host.isAlive({ access_token: token }))) throw new Error('refused by the guard')
          const { body } = await host.introspect(host.api, token)
          if (!body.active) throw new Error('refused by introspection')
          verified.count++
        }
      }
    }
    const loads = Array.from({ length: 8 }, () => load().catch((error) => failures.push(error)))
    for (let i = 1; i <= made.length && failures.length === 0; i++) {
      // what is published is everywhere after 100 ms; and something must have happened
      await delay(150)
      while (verified.count < i * 40 && failures.length === 0) await delay(10)
      const next = made[i + 1]
      if (i < made.length) keys = { current: at(i), ...(next && { next }), retired: made.slice(0, i) }
    }
    done = true
    await Promise.all(loads)
    await close()
    expect(failures).toEqual([])
    expect(kids.size).toBe(made.length)
    expect(verified.underOldKey).toBeGreaterThan(0)
  }, 60_000)
})
