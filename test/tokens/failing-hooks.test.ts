// A function of the host that throws while tokens are made uses up nothing: the client sends the same again, and gets them.
import { SignJWT } from 'jose'
import {
  authorizationCode,
  deviceCode,
  generateSigningKey,
  jwt,
  jwtBearer,
  refreshToken,
  tokenExchange,
} from '../../src/index'
import { clientKey } from '../support/assertions'
import { answerDevice, startDevice } from '../support/device'
import {
  createHost,
  deviceGrant,
  type Host,
  type HostOptions,
  issuer,
  type Parameters,
  pkce,
  startOfTime,
} from '../support/host'

const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const idp = 'https://idp.example'

/** What throws while it is told to. */
type Failing = 'tokenResponse' | 'claims' | 'users.find'

async function hostWith(failing: Failing) {
  const key = await clientKey('ES256', 'idp')
  const state = { fails: false }
  const mayFail = <T>(hook: Failing, value: T): T => {
    if (state.fails && hook === failing) throw new Error('database')
    return value
  }
  const options: HostOptions = {
    grants: [
      authorizationCode(),
      refreshToken(),
      deviceCode(),
      jwtBearer({ issuers: [{ issuer: idp, keys: [key.jwk] }], user: () => 'alice' }),
      tokenExchange({ allow: ({ subject }) => ({ userId: subject.userId }) }),
    ],
    accessTokens: jwt({ keys: generateSigningKey(), audience: issuer, claims: () => mayFail('claims', {}) }),
    tokenResponse: (body) => mayFail('tokenResponse', body),
    users: { find: (id) => mayFail('users.find', id === 'alice' ? { id } : undefined) },
  }
  return { host: await createHost(options), key, state }
}

type Setting = Awaited<ReturnType<typeof hostWith>>

/** The parameters of a request that is right. */
const requests: [grant: string, make: (setting: Setting) => Promise<Parameters>][] = [
  [
    'authorization_code',
    async ({ host }) => ({
      grant_type: 'authorization_code',
      code: await host.code(),
      redirect_uri: host.web.redirectUri,
      code_verifier: pkce.verifier,
    }),
  ],
  [
    'refresh_token',
    async ({ host }) => ({ grant_type: 'refresh_token', refresh_token: (await host.signIn()).refresh_token }),
  ],
  ['device_code', async ({ host }) => ({ grant_type: deviceGrant, device_code: await approvedDevice(host) })],
  [
    'jwt-bearer',
    async ({ key }) => {
      const claims = { iss: idp, sub: '1', aud: issuer, iat: startOfTime, exp: startOfTime + 60, jti: 'one' }
      const signed = new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey)
      return { grant_type: jwtBearerGrant, assertion: await signed }
    },
  ],
  [
    'token-exchange',
    async ({ host }) => ({
      grant_type: exchangeGrant,
      subject_token: (await host.signIn()).access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  ],
]

async function approvedDevice(host: Host): Promise<string> {
  const { device_code, user_code } = await startDevice(host, host.web)
  await answerDevice(host, user_code)
  return device_code
}

const hooks: Failing[] = ['tokenResponse', 'claims', 'users.find']

describe.each(requests)('a request of %s', (_, make) => {
  it.each(hooks)('for which %s throws is 500 and an event, and right when it is sent again', async (hook) => {
    const setting = await hostWith(hook)
    const { host, state } = setting
    const parameters = await make(setting)
    host.events.length = 0
    state.fails = true
    expect((await host.token(host.web, parameters)).status).toBe(500)
    expect(host.eventTypes()).toEqual(['error'])
    state.fails = false
    const { body } = await host.token(host.web, parameters).expect(200)
    expect(await host.isAlive(body)).toBe(true)
  })
})
