// examples/tenants/tenants.ts: many issuers in one process, and nothing of one counts at another.

import { listen, type RunningApp } from '../../examples/shared/start'
import { createApp } from '../../examples/tenants/tenants'

let app: RunningApp
let printed: jest.SpyInstance
beforeAll(async () => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
  app = await listen(createApp)
})
afterAll(async () => {
  await app.close()
  printed.mockRestore()
})

const metadataOf = async (name: string) =>
  (await (await fetch(`${app.issuer}/.well-known/oauth-authorization-server/${name}`)).json()) as Record<string, string>

/** A token by the endpoint that the metadata of the tenant names. */
async function tokenOf(name: string, secretOf = name): Promise<{ status: number; token: string }> {
  const { token_endpoint: endpoint } = await metadataOf(name)
  const answer = await fetch(String(endpoint), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`demo:secret of ${secretOf}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const { access_token: token = '' } = (await answer.json()) as Record<string, string>
  return { status: answer.status, token }
}
const notes = (name: string, token: string) =>
  fetch(`${app.issuer}/${name}/notes`, { headers: { authorization: `Bearer ${token}` } })

it.each(['acme', 'globex'])('%s is an issuer of its own, with endpoints below it', async (name) => {
  const metadata = await metadataOf(name)
  expect(metadata.issuer).toBe(`${app.issuer}/${name}`)
  expect(metadata.token_endpoint).toBe(`${app.issuer}/${name}/oauth2/token`)
  const { status, token } = await tokenOf(name)
  expect(status).toBe(200)
  expect(await (await notes(name, token)).json()).toEqual({ tenant: name, client: 'demo' })
  expect(printed.mock.calls).toEqual([])
})

it('what one has issued is nothing to another: neither secrets nor tokens', async () => {
  expect(await tokenOf('acme', 'globex')).toEqual({ status: 401, token: '' })
  const { token } = await tokenOf('acme')
  expect((await notes('globex', token)).status).toBe(401)
  expect((await notes('initech', token)).status).toBe(404)
  expect((await fetch(`${app.issuer}/initech/oauth2/token`, { method: 'POST' })).status).toBe(404)
})
