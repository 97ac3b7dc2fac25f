// ATTACKS.md row 13: a scope never grows on its way, and a narrowed refresh does not shrink the grant (RFC 6749 §6).
import { updateClient, verifyAccessToken } from '../../src/index'
import { createHost, type Host, type Tokens } from '../support/host'

let host: Host
beforeEach(async () => {
  host = await createHost()
})
const scopeOf = async ({ access_token }: Pick<Tokens, 'access_token'>) => [
  ...(await verifyAccessToken(host.server, access_token)).scope,
]
const refusedScopes = ['write', 'read write', 'admin', 'read admin', 'READ', 'read nope', 'clients', '*', 'read,write']

describe('widening the scope', () => {
  it.each(['admin', 'read admin', 'nope', 'READ', '*', 'clients'])(
    'at the authorization endpoint: %s',
    async (scope) => {
      const answer = await host.authorize(host.web, { scope })
      expect(answer.headers.location).toContain('error=invalid_scope')
    },
  )

  it.each(refusedScopes)('at the token endpoint: what a code exchange asks for is not looked at: %s', async (scope) => {
    const code = await host.code(host.web, { scope: 'read' })
    const { body } = await host.exchange(host.web, code, { scope }).expect(200)
    expect(await scopeOf(body)).toEqual(['read'])
  })

  it.each(['admin', 'read admin', 'clients'])('with client credentials: %s', async (scope) => {
    const answer = await host.token(host.web, { grant_type: 'client_credentials', scope })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope'])
  })

  it.each(refusedScopes)('at refresh: %s', async (scope) => {
    const tokens = await host.signIn(host.web, { scope: 'read' })
    const answer = await host.refresh(host.web, tokens.refresh_token, { scope })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope'])
    // and the attempt used nothing up
    expect(await scopeOf((await host.refresh(host.web, tokens.refresh_token).expect(200)).body)).toEqual(['read'])
  })

  it('after a narrowed refresh comes back to the grant and not beyond it', async () => {
    const tokens = await host.signIn(host.web, { scope: 'read write' })
    const narrow = (await host.refresh(host.web, tokens.refresh_token, { scope: 'read' }).expect(200)).body as Tokens
    expect(await scopeOf(narrow)).toEqual(['read'])
    const wide = (await host.refresh(host.web, narrow.refresh_token).expect(200)).body as Tokens
    expect(await scopeOf(wide)).toEqual(['read', 'write'])
    const answer = await host.refresh(host.web, wide.refresh_token, { scope: 'read write admin' })
    expect(answer.body.error).toBe('invalid_scope')
  })

  it('by a replay inside the window: it gives what it gave', async () => {
    const tokens = await host.signIn(host.web, { scope: 'read write' })
    await host.refresh(host.web, tokens.refresh_token, { scope: 'read' }).expect(200)
    for (const scope of [undefined, 'read write', 'write', 'admin']) {
      const answer = await host.refresh(host.web, tokens.refresh_token, { scope })
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope'])
    }
  })

  it('does not come with a client that gets more later: the user agreed to what it was', async () => {
    const tokens = await host.signIn(host.web, { scope: undefined })
    const code = await host.code()
    await updateClient(host.server, 'web', { scopes: ['read', 'write', 'admin'] })
    const later = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
    expect(await scopeOf(later)).toEqual(['read', 'write'])
    expect((await host.refresh(host.web, later.refresh_token, { scope: 'admin' })).body.error).toBe('invalid_scope')
    expect(await scopeOf((await host.exchange(host.web, code).expect(200)).body)).toEqual(['read', 'write'])
  })

  it('what a client has lost meanwhile is gone at the next refresh', async () => {
    const tokens = await host.signIn(host.web, { scope: 'read write' })
    await updateClient(host.server, 'web', { scopes: ['read'] })
    const later = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
    expect(await scopeOf(later)).toEqual(['read'])
    expect((await host.refresh(host.web, later.refresh_token, { scope: 'write' })).body.error).toBe('invalid_scope')
  })

  it('what a client has lost between the code and its exchange is not in its tokens', async () => {
    const code = await host.code(host.web, { scope: 'read write' })
    await updateClient(host.server, 'web', { scopes: ['read'] })
    const answer = await host.exchange(host.web, code)
    if (answer.status === 200) expect(await scopeOf(answer.body)).toEqual(['read'])
    else expect(answer.body.error).toBe('invalid_grant')
  })
})
