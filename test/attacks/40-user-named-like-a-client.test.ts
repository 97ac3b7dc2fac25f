// RFC 9068 §5, RFC 7662 §2.2: a user who takes the id of a client must not pass for that client at an API elsewhere.
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

let remote: RemoteHost
beforeAll(async () => {
  remote = await createRemoteHost()
  remote.host.people.set('web', { id: 'web', name: 'Mallory' })
})
afterAll(() => remote.close())

it('a token of a user called like its client is no token of the client itself where it is introspected', async () => {
  const { host } = remote
  const api = createApi(remote, {
    introspect: { clientId: 'api', clientSecret: host.api.clientSecret as string },
  })
  const mallory = await host.signIn(host.web, {}, 'web')
  const own = await host.token(host.web, { grant_type: 'client_credentials' })
  expect((await api.call(own.body.access_token)).status).toBe(200)
  expect((await api.call(mallory.access_token)).status).toBe(401)
  for (const token of [mallory.access_token, mallory.refresh_token]) {
    expect((await host.introspect(host.web, token)).body).toEqual({ active: false })
  }
  // where it was issued the user is told apart from the client, and is let in
  expect((await host.me(mallory.access_token)).body.user).toEqual({ id: 'web', name: 'Mallory' })
})
