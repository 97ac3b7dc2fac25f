// Beyond ATTACKS.md: `return_to` must lead back here, or the host's sign-in page becomes an open redirect.
import { hostPageUrl } from '../../src/authorization/sign-in'
import { authorizeRouter, consentPage } from '../../src/index'
import { createHost, encode, type Host, paths } from '../support/host'
import { exchange, type Listening, listen, request } from '../support/raw'

let host: Host
let listening: Listening
beforeAll(async () => {
  host = await createHost({
    mount(app, server) {
      const router = authorizeRouter(server, {
        decide: consentPage({ signIn: '/login?lang=en', switchUser: '/logout' }),
      })
      app.use('/:tenant/oauth2/authorize', router)
      app.get('/:tenant/by-route', router)
      app.use(paths.authorize, router)
    },
  })
  listening = await listen(host.app)
})
afterAll(() => listening.close())

/** Where a browser ends up that follows `return_to` from the sign-in page, as hosts do. */
const landing = (returnTo: string) => new URL(returnTo, 'https://auth.example.com/login')

it.each([
  '/tenant/oauth2/authorize',
  '/oauth2/authorize',
  '/oauth2/authorize/',
  '/\\evil.example/oauth2/authorize',
  '//evil.example/oauth2/authorize',
  '/%2fevil.example/oauth2/authorize',
  '/%5cevil.example/oauth2/authorize',
  '/\\evil.example/by-route',
  '//evil.example/by-route',
  '/\t/evil.example/by-route',
  '/@evil.example/oauth2/authorize',
  'http://evil.example/tenant/oauth2/authorize',
  'http://evil.example/tenant/by-route',
  'https://evil.example/oauth2/authorize',
  'javascript://x/tenant/by-route',
])('a request for %j leads nowhere else after sign-in', async (target) => {
  const answer = await exchange(listening.port, request('GET', `${target}?${host.authorizationRequest(host.web)}`))
  const location = /^Location: (.*)$/im.exec(answer?.headers ?? '')?.[1]
  if (location === undefined) return expect([400, 404, 418]).toContain(answer?.status)
  const url = new URL(location, 'https://auth.example.com')
  expect(url.pathname).toBe('/login')
  expect(landing(url.searchParams.get('return_to') ?? '').origin).toBe('https://auth.example.com')
})

describe('a request target as the path to come back to', () => {
  it.each([
    ['/oauth2/authorize?a=b', '/oauth2/authorize?a=b'],
    ['/a?next=http://app.example/b', '/a?next=http://app.example/b'],
    ['/a//b\\c', '/a//b\\c'],
    ['http://evil.example/a?b=c', '/a?b=c'],
    ['HTTP://evil.example', '/'],
    ['http://evil.example/a/', '/a/'],
    ['x1+y-2.z://user@evil.example:80/a', '/a'],
    ['http://evil.example\\a', '/a'],
    ['http://evil.example?a', '/?a'],
    ['http:////evil.example/a', '/evil.example/a'],
    ['//evil.example/a', '/evil.example/a'],
    ['/\\/evil.example/a', '/evil.example/a'],
    ['1x://evil.example/a', '/1x://evil.example/a'],
  ])('%j is %j', async (target, path) => {
    expect(await hostPageUrl(host.server, (returnTo) => returnTo, target, {} as never)).toBe(path)
    expect(await hostPageUrl(host.server, '/login', target, {} as never)).toBe(
      `/login?return_to=${encodeURIComponent(path)}`,
    )
  })
})

it('the request survives the way to the sign-in page and back, byte for byte, and nothing else comes along', async () => {
  const state = 'a b+c&d=é%00#😀'
  const answer = await host.authorize(host.web, { state, consent: 'allow', consent_transaction: 'x' }, null).expect(303)
  const url = new URL(answer.headers.location as string, 'https://auth.example.com')
  expect(url.searchParams.get('lang')).toBe('en')
  const back = landing(url.searchParams.get('return_to') as string)
  expect(back.pathname).toBe(paths.authorize)
  expect(back.searchParams.get('state')).toBe(state)
  expect([...back.searchParams.keys()]).not.toContain('consent')
  expect([...back.searchParams.keys()]).not.toContain('consent_transaction')
})

it.each(['https://evil.example', '//evil.example', '/\\evil.example'])(
  'a return_to=%s of the sender is a parameter like any other',
  async (evil) => {
    const answer = await host.authorize(host.web, { return_to: evil }, null).expect(303)
    const url = new URL(answer.headers.location as string, 'https://auth.example.com')
    expect(url.searchParams.getAll('return_to')).toHaveLength(1)
    expect(landing(url.searchParams.get('return_to') as string).origin).toBe('https://auth.example.com')
    expect(encode({ return_to: evil })).toBeTruthy()
  },
)
