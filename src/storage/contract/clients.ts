/** The rules for client records: one winner per id and per version. */
import type { Client } from '../../storage'
import { client } from './rows'
import { answers, isSame, oneWinner, type Rule, race } from './rule'

const RACERS = 50

export function clientRules(rule: Rule): void {
  rule('finds a client by its id, and returns undefined for an unknown id', async (storage) => {
    const stored = client()
    await answers(storage.clients.insert(stored), true, 'insert adds a client whose id is free.')
    isSame(await storage.clients.find(stored.clientId), stored, 'find returns the client that has this id.')
    isSame(await storage.clients.find('client-2'), undefined, 'find returns undefined, not null, for an unknown id.')
    isSame(
      await storage.clients.find('CLIENT-1'),
      undefined,
      'Client ids are compared exactly (RFC 6749 §2.2), case included.',
    )
  })

  rule('refuses to insert a client id that is taken, and changes nothing', async (storage) => {
    const first = client({ name: 'First' })
    await storage.clients.insert(first)
    const because =
      'insert must not replace a client: a second registration of its id would take it over, redirect URIs included.'
    await answers(storage.clients.insert(client({ name: 'Second' })), false, because)
    isSame(await storage.clients.find(first.clientId), first, because)
  })

  rule('lets one of many parallel inserts of a client id win', async (storage) => {
    const racers = Array.from({ length: RACERS }, (_, racer) => client({ name: `Racer ${racer}` }))
    const answered = await race(RACERS, (racer) => storage.clients.insert(racers[racer] as Client))
    const winner = oneWinner(
      answered,
      'clients.insert',
      'one id',
      'Each of these callers is shown a secret, and only one of the secrets works.',
    )
    isSame(
      await storage.clients.find('client-1'),
      racers[winner],
      'The stored record must be the one of the insert that returned true.',
    )
  })

  rule('replaces the whole record on update', async (storage) => {
    await storage.clients.insert(client({ name: 'Before', scopes: ['read', 'write'], username: 'ada' }))
    const next = client({ version: 2, name: 'After', redirectUris: [] })
    await answers(
      storage.clients.update(next, 1),
      true,
      'update replaces the record whose version is the expected one.',
    )
    isSame(
      await storage.clients.find(next.clientId),
      next,
      'update replaces and does not merge: removed scopes must be gone.',
    )
  })

  rule('refuses an update that expects another version, and changes nothing', async (storage) => {
    const stored = client({ version: 2, name: 'Stored' })
    await storage.clients.insert(stored)
    for (const expected of [1, 3]) {
      const because = `update must compare the stored version, 2, with the expected one, ${expected}, or changes are lost.`
      await answers(storage.clients.update(client({ version: expected + 1, name: 'Stale' }), expected), false, because)
      isSame(await storage.clients.find(stored.clientId), stored, because)
    }
  })

  rule('lets one of many parallel updates of a version win (no lost update)', async (storage) => {
    await storage.clients.insert(client())
    const racers = Array.from({ length: RACERS }, (_, racer) => client({ version: 2, name: `Racer ${racer}` }))
    const answered = await race(RACERS, (racer) => storage.clients.update(racers[racer] as Client, 1))
    const winner = oneWinner(
      answered,
      'clients.update',
      'the same expected version',
      'All but one of these changes are lost, among them perhaps the removal of a leaked secret.',
    )
    isSame(
      await storage.clients.find('client-1'),
      racers[winner],
      'The stored record must be the one of the update that returned true.',
    )
  })

  rule('never inserts on update', async (storage) => {
    const because = 'update must not bring back a client that an administrator deleted in the meantime.'
    await answers(storage.clients.update(client({ version: 2 }), 1), false, because)
    isSame(await storage.clients.find('client-1'), undefined, because)
    await storage.clients.insert(client())
    await storage.clients.delete('client-1')
    await answers(storage.clients.update(client({ version: 2 }), 1), false, because)
    isSame(await storage.clients.find('client-1'), undefined, because)
  })

  rule('deletes a client, and returns whether it existed', async (storage) => {
    const other = client({ clientId: 'client-2' })
    await storage.clients.insert(client())
    await storage.clients.insert(other)
    await answers(storage.clients.delete('client-1'), true, 'delete removes the client.')
    isSame(
      await storage.clients.find('client-1'),
      undefined,
      'A deleted client must be gone, or it can still authenticate.',
    )
    await answers(storage.clients.delete('client-1'), false, 'delete returns false for an unknown client.')
    isSame(await storage.clients.list({ limit: 10 }), [other], 'delete removes that client and no other.')
    await answers(storage.clients.insert(client()), true, 'A deleted client id can be registered again.')
  })
}
