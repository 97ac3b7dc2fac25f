// ATTACKS.md row 29: a logout that answers 200 is a logout.
import { createHost, type Host, type Tokens } from '../support/host'

let host: Host
let first: Tokens
beforeEach(async () => {
  host = await createHost()
  first = await host.signIn()
})
const refreshed = async (tokens: Tokens) =>
  (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens

async function expectOver(...all: Tokens[]): Promise<void> {
  for (const tokens of all) {
    expect(await host.isAlive(tokens)).toBe(false)
    expect((await host.refresh(host.web, tokens.refresh_token)).body.error).toBe('invalid_grant')
  }
}

it('with an older refresh token, of any generation, ends the session', async () => {
  const all = [first]
  for (let n = 0; n < 4; n++) all.push(await refreshed(all.at(-1) as Tokens))
  await host.revoke(host.web, first.refresh_token).expect(200)
  await expectOver(...all)
})

it('while another tab refreshes, before or after the refresh is stored, ends the session', async () => {
  for (const when of ['before', 'after'] as const) {
    const session = await host.signIn()
    const pause = host.storage.pauseBefore('grants.transition')
    const refreshing = Promise.resolve(host.refresh(host.web, session.refresh_token))
    await pause.reached
    if (when === 'before') {
      await host.revoke(host.web, session.refresh_token).expect(200)
      pause.resume()
      expect((await refreshing).body.error).toBe('invalid_grant')
    } else {
      pause.resume()
      const { body } = await refreshing
      await host.revoke(host.web, session.refresh_token).expect(200)
      await expectOver(body as Tokens)
    }
    await expectOver(session)
  }
})

it('that races with ten refreshes in ten tabs ends the session', async () => {
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, () => host.refresh(host.web, first.refresh_token)),
    host.revoke(host.web, first.refresh_token),
    ...Array.from({ length: 5 }, () => host.refresh(host.web, first.refresh_token)),
  ])
  const tokens = answers.filter(({ body }) => body.access_token).map(({ body }) => body as Tokens)
  await expectOver(first, ...tokens)
})

it('long after the refresh token expired is 200, and says nothing', async () => {
  host.clock.advance(15 * 24 * 3600)
  const answer = await host.revoke(host.web, first.refresh_token)
  expect([answer.status, answer.text]).toEqual([200, '{}'])
})

it('a truncated, lengthened or made-up token revokes nothing: the right grant id is no secret', async () => {
  const [id, secret = ''] = first.refresh_token.split('.') as [string, string]
  const noise = 'A'.repeat(43)
  const guesses = [
    first.refresh_token.slice(0, -1),
    first.refresh_token.slice(0, -43),
    `${first.refresh_token}A`,
    `${id}.${noise}${secret.slice(43)}`,
    `${id}.${secret.slice(43)}${secret.slice(0, 43)}`,
    `${id}.${noise}${noise}`,
    `${id}.`,
    id,
    id.slice(0, id.indexOf('~')),
    `${id.replace('~r', '~a')}.${noise}`,
    `${id.replace('~r', '~a')}.${secret.slice(0, 43)}`,
    ` ${first.refresh_token}`,
    first.refresh_token.toUpperCase(),
  ]
  for (const guess of guesses) {
    for (const hint of [undefined, 'refresh_token', 'access_token']) {
      await host.revoke(host.web, guess, { token_type_hint: hint }).expect(200)
    }
  }
  expect(await host.isAlive(first)).toBe(true)
  await refreshed(first)
})

it('the right stable half with a made-up rotating half is a logout too: whoever has it had the token', async () => {
  const [id, secret = ''] = first.refresh_token.split('.') as [string, string]
  await host.revoke(host.web, `${id}.${secret.slice(0, 43)}${'A'.repeat(43)}`).expect(200)
  await expectOver(first)
})

it('a wrong hint does not save the session', async () => {
  await host.revoke(host.web, first.refresh_token, { token_type_hint: 'access_token' }).expect(200)
  await expectOver(first)
})

it('that storage could not carry out is 503, never 200', async () => {
  host.storage.replace('grants.revoke', () => {
    throw new Error('down')
  })
  expect((await host.revoke(host.web, first.refresh_token)).status).toBe(503)
  host.storage.restore()
  await host.revoke(host.web, first.refresh_token).expect(200)
  await expectOver(first)
})
