// ATTACKS.md row 42, authority beyond scope: pairwise subjects (OpenID Connect Core §8.1) keep clients from comparing whom they
// know. Who writes a record may name anybody's host in it, and must not learn the `sub` of that sector.
import express from 'express'
import { decodeJwt } from 'jose'
import { developerRouter } from '../../src/developer'
import { pairwise } from '../../src/openid/index'
import { fieldsOf } from '../support/consent'
import { encode } from '../support/host'
import { createLogoutHost } from '../support/logout'

it('a user who makes an app with a redirect URI of another app learns no sub that this one knows', async () => {
  const own = express()
  const salt = 'a secret of 32 bytes, or of more'
  const host = await createLogoutHost({ front: own, openid: { subject: pairwise({ salt }) } })
  own.use('/developer', developerRouter(host.server, { scopes: ['openid'] }))
  host.people.set('mallory', { id: 'mallory', name: 'Mallory' })
  const victim = await host.register({ scopes: ['openid'], redirectUris: ['https://victim.example/cb'] })

  const url = '/developer?page=new&kind=mobile'
  const form = await host.http().get(url).set('X-User', 'mallory').expect(200)
  const redirectUri = 'com.evil.app:/cb'
  const filled = {
    ...fieldsOf(form),
    client_name: 'Evil',
    redirect_uris: `https://victim.example/cb\n${redirectUri}`,
    'scope:openid': 'on',
  }
  const made = await host.http().post(url).set('X-User', 'mallory').type('form').send(encode(filled)).expect(200)
  const [, clientId = ''] = /\?app=([\w-]+)/.exec(made.text) ?? []

  const subOf = async (client: typeof victim) => decodeJwt((await host.tokens(client)).idToken).sub
  const known = await subOf({ ...victim, redirectUri: 'https://victim.example/cb' })
  const learned = await subOf({ clientId, redirectUri })
  expect(learned).toMatch(/^[\w-]{43}$/)
  expect(learned).not.toBe(known)
})
