// The page where a user enters the code of a device and is asked (RFC 8628 §3.3), over HTTP.
import {
  approve,
  authorizationCode,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  type Decide,
  deviceCode,
  deviceRouter,
  issueTokens,
  memoryStorage,
  oauthRouter,
} from '../../src/index'
import { fieldsOf } from '../support/consent'
import {
  answerDevice,
  createDeviceHost,
  enterCode,
  openPage,
  poll,
  postPage,
  pressButton,
  startDevice,
} from '../support/device'
import { deviceGrant, issuer, paths } from '../support/host'

describe('the page', () => {
  it('sends a browser that is not signed in to the sign-in page, and back with the code', async () => {
    const host = await createDeviceHost()
    const { headers } = await openPage(host, '?user_code=WDJB-MJHT', null).expect(303)
    expect(headers.location).toBe(`/login?return_to=${encodeURIComponent('/device?user_code=WDJB-MJHT')}`)
    await postPage(host, {}, null).expect(303)
  })

  it('says that nobody is signed in, where there is no such page', async () => {
    const host = await createDeviceHost({ decide: () => ({ allow: false }) })
    const { text } = await openPage(host, '', null).expect(401)
    expect(text).toContain('You are not signed in')
  })

  it('asks for the code, and shows one that came with the link for the user to send (§3.3.1)', async () => {
    const host = await createDeviceHost()
    const { user_code, verification_uri_complete } = await startDevice(host, host.tv)
    const { pathname, search } = new URL(verification_uri_complete)
    expect(pathname).toBe(paths.device)
    const { text } = await openPage(host, search).expect(200)
    expect(text).toContain(`value="${user_code}"`)
    expect(text).toContain('Only continue if you started this on your device.')
    // nothing of the request yet: the link is not enough
    expect(text).not.toContain('Television')
    expect((await openPage(host)).text).toContain('name="user_code" value=""')
  })

  it('shows no word of a link that is not a code', async () => {
    const host = await createDeviceHost()
    for (const word of ['Send+us+your+password', '%3Cscript%3E', 'WDJB-MJH'])
      expect((await openPage(host, `?user_code=${word}&answered=${word}`)).text).toContain('name="user_code" value=""')
  })

  it('has the headers of a page where people agree', async () => {
    const host = await createDeviceHost()
    const { headers } = await openPage(host)
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['content-security-policy']).not.toContain('script')
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    expect(headers['cache-control']).toBe('no-store')
    await host.http().put(paths.device).expect(405).expect('Allow', 'GET, POST')
  })

  it('then asks with the consent page: which app, for what, from where and when, and with which code', async () => {
    const host = await createDeviceHost()
    const { user_code } = await startDevice(host, host.tv, { scope: 'read' })
    host.clock.advance(61)
    const { text, status } = await enterCode(host, user_code.toLowerCase().replace('-', ' '))
    expect(status).toBe(200)
    const said = text.replace(/<[^>]+>/g, '')
    expect(said).toContain('Allow Television to use your account?')
    expect(said).toContain('See your data')
    expect(said).toContain('Signed in as Alice')
    expect(said).toContain('A device asked for this on January 15, 2027 at 8:00:00 AM UTC, from the network 127.0.0.1.')
    expect(said).toContain(`Only continue if you started this on your device, and it shows the code ${user_code}.`)
    expect(said).toContain('Your device will receive your answer automatically.')
    expect(text).toContain(`/logout?return_to=${encodeURIComponent(`/device?user_code=${user_code}`)}`)
  })

  it('says after the answer what became of it, to this user alone, however often the page is loaded', async () => {
    const host = await createDeviceHost()
    for (const [consent, said] of [
      ['allow', 'Your device is connected'],
      ['deny', 'Access was denied'],
    ] as const) {
      const { device_code, user_code } = await startDevice(host, host.tv)
      const { headers } = await answerDevice(host, user_code, consent)
      expect(headers.location).toBe(`?answered=${user_code}`)
      for (let n = 0; n < 2; n++) expect((await openPage(host, headers.location)).text).toContain(said)
      await poll(host, host.tv, device_code)
      expect((await openPage(host, headers.location)).text).toContain(said)
      expect((await openPage(host, headers.location, 'bob')).text).toContain('Enter the code')
    }
  })

  it.each(['de', 'es'])('speaks %s, and the language that the device asked for comes first', async (language) => {
    const words = {
      de: ['Ein Gerät verbinden', 'Ein Gerät hat am'],
      es: ['Conectar un dispositivo', 'Un dispositivo lo pidió'],
    }
    const [title = '', asked = ''] = words[language as 'de' | 'es']
    const host = await createDeviceHost()
    expect((await openPage(host).set('Accept-Language', language)).text).toContain(title)
    const { user_code } = await startDevice(host, host.tv, { ui_locales: language })
    expect((await enterCode(host, user_code)).text).toContain(asked)
  })

  it('says of a code that is unknown, expired, answered, or no code at all, that it is not valid', async () => {
    const host = await createDeviceHost()
    const { user_code: answered } = await startDevice(host, host.tv)
    await answerDevice(host, answered)
    const { user_code: expired } = await startDevice(host, host.tv)
    host.clock.advance(600)
    for (const code of ['BBBB-BBBB', answered, expired, 'nonsense', '']) {
      const shown = await enterCode(host, code)
      expect([code, shown.status]).toEqual([code, 400])
      expect(shown.text).toContain('This code is not valid.')
      expect(shown.text).toContain('aria-invalid="true"')
    }
    expect(host.eventTypes().filter((type) => type === 'user_code.failed')).toHaveLength(3)
  })

  it('asks again after an answer that came in the instant it was shown', async () => {
    const host = await createDeviceHost()
    const { device_code, user_code } = await startDevice(host, host.tv)
    const shown = await enterCode(host, user_code)
    const again = await postPage(host, { ...fieldsOf(shown), consent: 'allow' }).expect(400)
    expect((await poll(host, host.tv, device_code)).body.error).toBe('authorization_pending')
    await pressButton(host, again).expect(303)
    await poll(host, host.tv, device_code)
  })

  it('takes an answer that was posted to the URL of the link with another code in it: what was entered counts', async () => {
    const host = await createDeviceHost()
    const { user_code } = await startDevice(host, host.tv)
    const { device_transaction = '' } = fieldsOf(await openPage(host, '?user_code=BBBB-BBBB'))
    const post = (form: Record<string, string>) =>
      host.http().post(`${paths.device}?user_code=BBBB-BBBB`).set('X-User', 'alice').type('form').send(form)
    const shown = await post({ device_transaction, user_code })
    host.clock.advance(0.5)
    const { headers } = await post({ ...fieldsOf(shown), consent: 'allow' }).expect(303)
    expect(headers.location).toBe(`?answered=${user_code}`)
  })

  it('says of an app that chose its own name that the device will have the access', async () => {
    const host = await createDeviceHost({
      mount: (app, server) => {
        const register = { protect: 'open', scopes: ['read'], grantTypes: [deviceGrant] } as const
        app.use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false, register }))
      },
    })
    const { body } = await host
      .http()
      .post('/oauth2/register')
      .send({ client_name: 'Bank', grant_types: [deviceGrant], response_types: [], token_endpoint_auth_method: 'none' })
      .expect(201)
    const { user_code } = await startDevice(host, { clientId: body.client_id, redirectUri: '' })
    const said = (await enterCode(host, user_code)).text.replace(/<[^>]+>/g, '')
    expect(said).toContain(`it is not verified. Access will be given to the device that shows the code ${user_code}.`)
  })

  it('has the fields of the host in its form, for a CSRF middleware in front', async () => {
    const host = await createDeviceHost({
      mount: (app, server) => {
        const fields = () => ({ _csrf: 'token' })
        const decide = consentPage({ signIn: '/login', fields })
        app.use(paths.device, deviceRouter(server, { decide, fields }))
        app.use(oauthRouter(server, { decide, protect: false }))
      },
    })
    const { user_code } = await startDevice(host, host.tv)
    const form = fieldsOf(await openPage(host))
    expect(form._csrf).toBe('token')
    const shown = await postPage(host, { ...form, user_code })
    expect(fieldsOf(shown)._csrf).toBe('token')
    await pressButton(host, shown).expect(303)
  })
})

describe('a decider of the host', () => {
  it('is asked once the user has entered the code, with the device in the request, and may narrow the scope', async () => {
    const seen: unknown[] = []
    const decide: Decide = (request, req) => {
      const { device, redirectUri, client, scope, responseType, parameters } = request
      seen.push({ device, redirectUri, name: client.name, scope, responseType, asked: parameters.get('scope') })
      return { allow: true, userId: (req.user as { id: string }).id, scope: 'read' }
    }
    const host = await createDeviceHost({ decide })
    const { device_code, user_code } = await startDevice(host, host.tv, { scope: 'read write' })
    await openPage(host, `?user_code=${user_code}`)
    expect(seen).toEqual([])
    await enterCode(host, user_code).then(({ status }) => expect(status).toBe(303))
    const device = { userCode: user_code, network: '127.0.0.1', startedAt: host.clock.now }
    expect(seen).toEqual([
      { device, name: 'Television', scope: ['read', 'write'], responseType: 'device_code', asked: 'read write' },
    ])
    const { body } = await poll(host, host.tv, device_code).expect(200)
    expect(body.scope).toBe('read')
  })

  it.each<[what: string, decide: Decide, status: number]>([
    ['another user', () => ({ allow: true, userId: 'bob' }), 403],
    ['nobody', () => ({ allow: true, userId: '' }), 403],
    ['more scope', () => ({ allow: true, userId: 'alice', scope: 'admin' }), 500],
    ['no scope of what was asked', () => ({ allow: true, userId: 'alice', scope: [] }), 403],
    ['neither yes nor no', () => ({ allow: 'yes' }) as never, 500],
    ['a time that is none', () => ({ allow: true, userId: 'alice', startedAt: Number.NaN }), 500],
    [
      'an error',
      () => {
        throw new Error('host')
      },
      500,
    ],
  ])('that says %s lets no device in', async (_, decide, status) => {
    const host = await createDeviceHost({ decide })
    const { device_code, user_code } = await startDevice(host, host.tv)
    expect((await enterCode(host, user_code)).status).toBe(status)
    expect((await poll(host, host.tv, device_code)).body.error).toBe('authorization_pending')
  })

  it('that says no denies it', async () => {
    const host = await createDeviceHost({ decide: () => ({ allow: false }) })
    const { device_code, user_code } = await startDevice(host, host.tv)
    await enterCode(host, user_code)
    expect((await poll(host, host.tv, device_code)).body.error).toBe('access_denied')
  })

  it('may show a page of its own, whose form comes back to it', async () => {
    const decide: Decide = (request, req, res) => {
      if (request.sent.get('mine') === 'yes') return { allow: true, userId: (req.user as { id: string }).id }
      const fields = ['device_transaction', 'user_code'].map((name) => [name, request.sent.get(name)])
      res.json(Object.fromEntries(fields))
      return undefined
    }
    const host = await createDeviceHost({ decide })
    const { device_code, user_code } = await startDevice(host, host.tv)
    const { body } = await enterCode(host, user_code)
    await postPage(host, { ...body, mine: 'yes' }).expect(303)
    await poll(host, host.tv, device_code).expect(200)
  })

  it('that renders the consent page has the device in its view', async () => {
    const render = jest.fn(({ device, redirectHost, fields }) => JSON.stringify({ device, redirectHost, fields }))
    const host = await createDeviceHost({ decide: consentPage({ signIn: '/login', render }) })
    const { user_code } = await startDevice(host, host.tv)
    const { text } = await enterCode(host, user_code)
    const device = { userCode: user_code, network: '127.0.0.1', startedAt: host.clock.now }
    expect(JSON.parse(text)).toMatchObject({ device, redirectHost: '' })
  })
})

describe('at start-up', () => {
  const options = { issuer, storage: memoryStorage(), scopes: ['read'] }
  const server = createAuthorizationServer({ ...options, grants: [authorizationCode(), deviceCode()] })

  it('deviceRouter refuses a decider that asks nobody, one that is missing or not called, and a server without devices', () => {
    expect(() => deviceRouter(server, { decide: approve({ clients: [] }) })).toThrow('approve() asks none')
    expect(() => deviceRouter(server, {} as never)).toThrow('deviceRouter needs decide')
    expect(() => deviceRouter(server, { decide: consentPage as never })).toThrow('call it')
    expect(() => deviceRouter(createAuthorizationServer(options), { decide: () => undefined })).toThrow(
      'needs deviceCode()',
    )
    expect(() => deviceRouter(server, { decide: consentPage() })).toThrow('consentPage needs signIn')
    expect(() => deviceRouter(server, { decide: () => undefined, fields: {} as never })).toThrow('fields')
  })

  it('oauthRouter mounts both, and says so where its decider asks nobody', () => {
    const decide = consentPage({ signIn: '/login' })
    expect(() => oauthRouter(server, { decide, protect: false })).not.toThrow()
    expect(() => oauthRouter(server, { decide: approve({ clients: [] }), protect: false })).toThrow('asks none')
  })
})

it('a token in front cannot approve a device, whatever it may do', async () => {
  const decide: Decide = (_request, req) => ({ allow: true, userId: (req.user as { id: string }).id })
  const host = await createDeviceHost({
    mount: (app, server) => void app.use(paths.device, bearerGuard(server), deviceRouter(server, { decide })),
  })
  const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
  const bearer = { type: 'bearer' } as const
  await openPage(host).auth(access_token, bearer).expect(403)
  await postPage(host, {}).auth(access_token, bearer).expect(403)
  await openPage(host).expect(401)
})
