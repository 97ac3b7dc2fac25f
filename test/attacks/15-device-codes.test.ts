// ATTACKS.md row 15: a server that does not list the device authorization grant (RFC 8628) has no user codes to guess. What
// becomes of them where it does is in row 57.
import { createHost, deviceGrant, paths } from '../support/host'

it('a device code is not polled for, registered or announced where the grant is not listed', async () => {
  const host = await createHost()
  for (const device_code of ['', 'x'.repeat(43), await host.code()]) {
    const answer = await host.token(host.web, { grant_type: deviceGrant, device_code })
    expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type'])
  }
  await expect(host.register({ grantTypes: [deviceGrant] })).rejects.toThrow('grantTypes')
  const { body } = await host.http().get('/.well-known/oauth-authorization-server')
  expect(body).not.toHaveProperty('device_authorization_endpoint')
  expect(body.grant_types_supported).not.toContain(deviceGrant)
  await host.http().post(paths.deviceAuthorization).expect(418)
  await host.http().get(paths.device).expect(418)
})
