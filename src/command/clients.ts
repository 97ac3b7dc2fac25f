/** `clients`: lists, adds and deletes client records, and rotates secrets. */
import { isPublic } from '../clients/client'
import { writeMembers } from '../clients/metadata'
import { deleteClient, registerClient, rotateClientSecret } from '../operations/clients'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import { pages } from '../storage/paging'
import type { AuthorizationServer } from '../types/authorization-server'
import { type Command, type Group, secondsOf } from './call/call'
import { finished } from './call/interruption'
import { exit, Refusal } from './call/refusal'
import { shown } from './call/shown'
import { addOptions, newClient } from './client-options'
import { databaseOptions, withDatabase } from './database/database'
import { operatorServer } from './database/operator'
import { timeOf } from './grants'

const list: Command = {
  about: 'List the clients, all of them or those of one owner.',
  details: [
    'Page by page, however many there are. With --json each is one line, with the names of RFC 7591. Secrets are',
    'never shown: what is stored are their digests.',
  ],
  options: {
    owner: { type: 'string', value: 'ID', words: "the host's id of the user who owns the record" },
    ...databaseOptions,
  },
  examples: [
    ['clients list', 'id, kind, name, owner, created'],
    ['clients list --json | jq -r .client_id', 'for scripts'],
  ],
  run: (call) =>
    withDatabase(call, async (database) => {
      const server = operatorServer(database)
      const owner = call.text('owner')
      const found = pages(
        (page) => server.storage.clients.list({ ...(owner !== undefined && { username: owner }), ...page }),
        ({ clientId }) => clientId,
      )
      for await (const page of found) {
        for (const client of page) await call.terminal.result(lineOf(client), jsonOf(server, client))
      }
      return exit.done
    }),
}

const add: Command = {
  about: 'Register a client.',
  details: [
    'Its secret is generated, and printed once. Redirect URIs and every other member are checked as everywhere.',
    'Scopes, grants and resources are those of your server: the command takes them as you write them.',
  ],
  options: { ...addOptions, ...databaseOptions },
  examples: [
    [
      "clients add --id shop --name 'The shop' --redirect-uri https://shop.example/callback --scope 'read write'",
      'a web app, with a secret',
    ],
    ['clients add --public --name Reader --redirect-uri com.example.reader:/callback', 'a mobile app or single page'],
    ['clients add --id job --grant-type client_credentials --scope read', 'a machine'],
    ['clients add --id old --secret-from env:OLD_SECRET', 'with the secret that it had elsewhere'],
  ],
  run: (call) =>
    withDatabase(call, async (database) => {
      const { options, known } = newClient(call)
      const server = operatorServer(database, known)
      await finished(async () => {
        const { client, clientSecret } = await registerClient(server, options)
        // a chosen secret is known, and a generated one is not stored
        const isMade = clientSecret !== undefined && options.clientSecret === undefined
        const lines = [`client_id: ${shown(client.clientId)}`, ...(isMade ? [`client_secret: ${clientSecret}`] : [])]
        const value = { ...jsonOf(server, client), ...(isMade && { client_secret: clientSecret }) }
        await call.terminal.result(lines.join('\n'), value)
        if (isMade) call.terminal.say('The secret is shown this once: keep it now.')
      })
      return exit.done
    }),
}

const rotate: Command = {
  about: 'Give a client a new secret.',
  details: ['It is printed once. The old secrets stay valid for --overlap seconds, in which the app is changed.'],
  values: ['CLIENT_ID'],
  options: {
    overlap: {
      type: 'string',
      value: 'SECONDS',
      words: 'how long the old secrets stay valid. Without it they end now',
    },
    ...databaseOptions,
  },
  examples: [
    ['clients rotate shop --overlap 86400', 'a day for the change'],
    ['clients rotate shop --yes', 'after a leak: the old secret ends now'],
  ],
  run: (call) =>
    withDatabase(call, async (database) => {
      const [clientId = ''] = call.values
      const overlap = secondsOf(call, 'overlap') ?? 0
      const server = operatorServer(database)
      await requireThere(server, clientId)
      if (overlap === 0) await call.terminal.confirm(`End the old secrets of ${shown(clientId)} now?`)
      await finished(async () => {
        const { clientSecret } = await rotateClientSecret(server, clientId, { overlap })
        await call.terminal.result(`client_secret: ${clientSecret}`, {
          client_id: clientId,
          client_secret: clientSecret,
          overlap,
        })
        call.terminal.say('The secret is shown this once: keep it now.')
      })
      return exit.done
    }),
}

const remove: Command = {
  about: 'Delete a client, and end everything that was issued to it.',
  values: ['CLIENT_ID'],
  options: databaseOptions,
  examples: [
    ['clients delete shop', 'asks first'],
    ['clients delete shop --yes', 'in a script'],
  ],
  run: (call) =>
    withDatabase(call, async (database) => {
      const [clientId = ''] = call.values
      const server = operatorServer(database)
      const { name } = await requireThere(server, clientId)
      const called = name === undefined ? '' : ` (${shown(name)})`
      await call.terminal.confirm(
        `Delete the client ${shown(clientId)}${called} with all its tokens? This cannot be undone.`,
      )
      await finished(async () => {
        if (!(await deleteClient(server, clientId))) throw noClient()
        await call.terminal.result(`Deleted the client ${shown(clientId)}.`, { deleted: clientId })
      })
      return exit.done
    }),
}

export const clients: Group = {
  about: 'Clients: list, add, rotate, delete.',
  commands: { list, add, rotate, delete: remove },
}

async function requireThere({ storage }: AuthorizationServer, clientId: string): Promise<Client> {
  const client = await storage.clients.find(clientId)
  if (!client) throw noClient()
  return client
}

const noClient = () => new Refusal('No client has this id.')

function lineOf(client: Client): string {
  const { clientId, name = '-', username = '-', createdAt } = client
  const kind = isPublic(client) ? 'public' : 'confidential'
  return [clientId, kind, name, username, timeOf(createdAt)].map((part) => shown(part)).join('\t')
}

/** As in the clients API for its owner, with members that only an operator sees. */
function jsonOf(server: AuthorizationServer, client: Client) {
  const { clientId, secrets, origin, createdAt, updatedAt, tokenEndpointAuthMethods } = client
  return {
    client_id: clientId,
    ...writeMembers(client, 'owner', server),
    token_endpoint_auth_methods: tokenEndpointAuthMethods satisfies readonly TokenEndpointAuthMethod[],
    ...(origin && { origin }),
    secrets: secrets.map(({ createdAt: made, expiresAt }) => ({ created_at: made, expires_at: expiresAt })),
    created_at: createdAt,
    updated_at: updatedAt,
  }
}
