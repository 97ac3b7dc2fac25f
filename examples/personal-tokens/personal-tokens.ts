/**
 * Personal access tokens: users of your app make a token for a script of their own, with a name, a scope and an end, see when
 * each was used last, and revoke it. Your API has one guard for these and for the tokens of apps.
 */
import express, { type Express, type Request, type Response } from 'express'
import {
  type AuthorizationServer,
  bearerGuard,
  createAuthorizationServer,
  memoryStorage,
  OAuthError,
  registerClient,
} from 'express-authorization-server'
import {
  issuePersonalToken,
  listPersonalTokens,
  type PersonalToken,
  personalTokens,
  revokePersonalToken,
} from 'express-authorization-server/personal-tokens'
import { basicSignIn } from '../shared/basic-sign-in'
import { escapeHtml, sendPage } from '../shared/page'
import { sameOrigin, signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers, type User } from '../shared/users'

const DAY = 86_400
const days = [7, 30, 90]
const scopes = { 'notes:read': 'Read your notes', 'notes:write': 'Write notes' }
/** The client that every personal token is of. It may use no grant: no request of a client has such a token as its answer. */
const client = { clientId: 'personal-tokens', grantTypes: [], scopes: Object.keys(scopes) }

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([
    { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' },
    { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game' },
  ])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes,
    accessTokens: personalTokens({ prefix: 'notes_pat_' }),
    users: { find: users.find },
  })
  await registerClient(server, client)
  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use('/tokens', sameOrigin, basicSignIn({ users, realm: 'tokens' }), tokenPages(server))

  const notes = [{ userId: '1', text: 'Weave algebraical patterns.' }]
  app.get('/notes', bearerGuard(server, { scope: 'notes:read' }), (req, res) => {
    const { id } = req.user as User
    res.json(notes.filter(({ userId }) => userId === id).map(({ text }) => text))
  })
  app.post('/notes', bearerGuard(server, { scope: 'notes:write' }), express.json(), (req, res) => {
    notes.push({ userId: (req.user as User).id, text: String(req.body?.text) })
    res.status(201).end()
  })
  return app
}

/** What your app has in its settings. It is behind the session: a token must not make another. */
function tokenPages(server: AuthorizationServer): express.Router {
  const router = express.Router().use(express.urlencoded({ extended: false }))
  const idOf = (req: Request) => (req.user as User).id

  router.get('/', async (req, res) => sendTokens(res, await listPersonalTokens(server, { userId: idOf(req) })))

  router.post('/', async (req, res) => {
    const { name, scope, life } = req.body as Record<string, unknown>
    const asked = [scope ?? 'notes:read'].flat().map(String)
    const expiresIn = (days.find((count) => String(count) === life) ?? 30) * DAY
    const { clientId } = client
    try {
      const token = await issuePersonalToken(server, {
        ...{ clientId, userId: idOf(req), name: String(name ?? ''), scope: asked, expiresIn },
      })
      res.status(201).set('Cache-Control', 'no-store')
      const tokens = await listPersonalTokens(server, { userId: idOf(req) })
      res.format({ text: () => res.send(token.token), html: () => sendTokens(res, tokens, token.token) })
    } catch (error) {
      if (!(error instanceof OAuthError) || error.status >= 500) throw error
      res.status(error.status).type('text').send(`${error.message}\n`)
    }
  })

  router.post('/:id/revoke', async (req, res) => {
    // with the id of the user: whoever guesses the id of another one's token revokes nothing
    const revoked = await revokePersonalToken(server, { userId: idOf(req), id: req.params.id })
    if (revoked) res.redirect(303, '/tokens')
    else res.status(404).type('text').send('There is no such token.\n')
  })
  return router
}

/** The tokens of a user, a form for one more, and the new one: the only time that it is seen. */
function sendTokens(res: Response, tokens: readonly PersonalToken[], made?: string): void {
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10)
  const shown = tokens.map(
    ({ id, name, scope, expiresAt, lastUsedAt }) => `<h2>${escapeHtml(name)}</h2>
<p class="soft">${escapeHtml(scope.join(', '))}, until ${day(expiresAt)}, ${
      lastUsedAt === undefined ? 'never used' : `last used ${day(lastUsedAt)}`
    }</p>
<form method="post" action="/tokens/${id}/revoke"><button>Revoke ${escapeHtml(name)}</button></form>`,
  )
  const choices = Object.entries(scopes).map(
    ([scope, words]) => `<label><input type="checkbox" name="scope" value="${scope}"> ${words}</label>`,
  )
  const lives = days.map((count) => `<option value="${count}">${count} days</option>`)
  sendPage(
    res,
    'Personal access tokens',
    `<h1>Personal access tokens</h1>
${made === undefined ? '' : `<p role="status">Copy your token now. It is not shown again: <code>${made}</code></p>`}
${shown.join('\n')}
<form method="post" action="/tokens">
<label for="name">What is it for?</label><input id="name" name="name" required maxlength="60">
${choices.join('\n')}
<label for="life">How long?</label><select id="life" name="life">${lives.join('')}</select>
<div class="actions"><button class="primary" type="submit">Make a token</button></div>
</form>`,
  )
}

function instructions(issuer: string): string[] {
  return [
    `in a browser: ${issuer}/tokens, as ada, password 'analytical engine'`,
    `TOKEN=$(curl -sS -u 'ada:analytical engine' -d 'name=backup&scope=notes:read&life=30' ${issuer}/tokens); echo $TOKEN`,
    `curl -sS -H "Authorization: Bearer $TOKEN" ${issuer}/notes`,
    `curl -sS -u 'ada:analytical engine' -H 'Accept: text/html' ${issuer}/tokens | grep -A1 '<h2>'`,
  ]
}

if (require.main === module) void start(createApp, instructions)
