/** A device that asks (RFC 8628), and its user in a browser. */
import type { Response, Test } from 'supertest'
import { authorizationCode, deviceCode, refreshToken } from '../../src/index'
import { fieldsOf } from './consent'
import { createHost, deviceGrant, type Host, type HostOptions, type Parameters, paths, type TestClient } from './host'

export interface DeviceAnswer {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

export type DeviceHost = Host & { tv: TestClient }

/** A host with devices, and a public client of theirs. */
export async function createDeviceHost(options: HostOptions = {}): Promise<DeviceHost> {
  const host = await createHost({ grants: [authorizationCode(), refreshToken(), deviceCode()], ...options })
  const tv = await host.register({
    clientId: 'tv',
    name: 'Television',
    tokenEndpointAuthMethods: ['none'],
    grantTypes: [deviceGrant, 'refresh_token'],
  })
  host.storage.calls.length = 0
  host.events.length = 0
  return { ...host, tv }
}

export async function startDevice(
  host: Host,
  client: TestClient,
  parameters: Parameters = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<DeviceAnswer> {
  const { status, body, text } = await host.send(paths.deviceAuthorization, client, parameters).set(headers)
  if (status !== 200) throw new Error(`${status} ${text}`)
  return body as DeviceAnswer
}

export function poll(host: Host, client: TestClient, device_code: string, parameters: Parameters = {}): Test {
  return host.token(client, { grant_type: deviceGrant, device_code, ...parameters })
}

/** The page as the browser of `user` gets it. */
export function openPage(host: Host, query = '', user: string | null = 'alice'): Test {
  const sent = host.http().get(`${paths.device}${query}`)
  return user === null ? sent : sent.set('X-User', user)
}

export function postPage(host: Host, form: Readonly<Record<string, string>>, user: string | null = 'alice'): Test {
  const sent = host.http().post(paths.device).type('form')
  if (user !== null) sent.set('X-User', user)
  return sent.send(new URLSearchParams(form).toString())
}

/** Enters a code on a new page: the answer, which is the consent page for a right one. */
export async function enterCode(host: Host, user_code: string, user = 'alice'): Promise<Response> {
  const { device_transaction = '' } = fieldsOf(await openPage(host, '', user))
  return postPage(host, { device_transaction, user_code }, user)
}

/** Presses a button of the consent page, after a look at it. */
export function pressButton(host: Host, shown: Response, consent = 'allow', user = 'alice'): Test {
  host.clock.advance(0.5)
  return postPage(host, { ...fieldsOf(shown), consent }, user)
}

/** The whole way of the user through the page. */
export async function answerDevice(host: Host, userCode: string, consent = 'allow', user = 'alice'): Promise<Response> {
  const answer = await pressButton(host, await enterCode(host, userCode, user), consent, user)
  if (answer.status !== 303) throw new Error(`${answer.status} ${answer.text}`)
  return answer
}
