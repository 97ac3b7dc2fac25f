// ATTACKS.md row 15: this server has no device authorization grant (RFC 8628), so there are no user codes to guess.
import { createHost } from '../support/host'

it('a device code is not polled for, registered or announced', async () => {
  const host = await createHost()
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  for (const device_code of ['', 'x'.repeat(43), await host.code()]) {
    const answer = await host.token(host.web, { grant_type, device_code })
    expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type'])
  }
  await expect(host.register({ grantTypes: [grant_type] })).rejects.toThrow('grantTypes')
  const { body } = await host.http().get('/.well-known/oauth-authorization-server')
  expect(body).not.toHaveProperty('device_authorization_endpoint')
  expect(body.grant_types_supported).not.toContain(grant_type)
})
