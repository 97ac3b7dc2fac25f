/** The rules for values: a store returns exactly what was stored, and does not share it. */
import type { Client, Credential, Grant, OAuthStorage } from '../../storage'
import { client, code, credential, DAY, grant, NOW, used } from './rows'
import { answers, isAlive, isDead, isSame, onlyAlive, type Rule } from './rule'

const kept = 'A row is returned exactly as it was stored. Absent members stay absent, or are undefined, but never null.'

const fullClient: Client = {
  clientId: 'client-1',
  version: 7,
  name: 'Zoë’s <app> & "friends" 🚀',
  description: 'Zeile 1\nZeile 2\t日本語 العربية \\ \u2028 é e\u0301',
  username: 'ada',
  secrets: [
    { digest: '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU', createdAt: NOW, expiresAt: NOW + DAY },
    { bcrypt: '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', createdAt: NOW + 1 },
  ],
  redirectUris: ['https://b.example/?a=1,2&b=2', 'https://a.example/', 'com.example.app:/callback'],
  grantTypes: ['refresh_token', 'urn:ietf:params:oauth:grant-type:device_code', 'authorization_code'],
  scopes: ['write', 'read'],
  defaultScopes: [],
  resources: ['https://api.example', 'urn:example:mail'],
  tokenEndpointAuthMethods: ['none', 'client_secret_post'],
  requirePkce: false,
  resourceServer: true,
  disabled: true,
  origin: 'registration',
  registrationTokenDigest: 'GcS1vC7MpVQyXxHAo2Bnp3tA7yTbL1qzYvV0sUuhzgs',
  createdAt: NOW,
  updatedAt: NOW + 1,
}

/** JSON values that a careless store changes: dates, numeric strings, empty objects and arrays, long numbers. */
const data = {
  text: 'a "quoted" \'text\' with \\ and \n and 日本語 and 🚀 and {braces} and :1 and $1 and ?',
  date: '2027-01-15T08:00:00.000Z',
  digits: '0042',
  numbers: [0, -1, 0.1, 1e21, 1_800_000_000_123, Number.MAX_SAFE_INTEGER],
  flags: [true, false, null],
  empty: [{}, [], ''],
  none: { none: null, text: '', object: {}, list: [] },
  names: { 'with.dot': 1, $dollar: { $set: 2 }, '': 3 },
  nested: { a: { b: [{ c: 'd' }] }, constructor: 'own', ['__proto__']: { polluted: true } },
}

const fullCredential = credential({
  state: 'state with spaces  ',
  grantId: 'g1',
  userId: 'ada',
  scope: ['write', 'read', 'read,write', 'https://api.example/all'],
  startedAt: NOW + 1,
  issuedAt: NOW + 2,
  expiresAt: NOW + 3,
  data,
})

/** User and client ids may be any text up to 255 characters. */
// biome-ignore format: a table
const oddIds = [
  "o'brien", '"quoted"', '100%', '1000', 'a_b', 'axb', 'back\\slash', 'with space', ' padded ', 'padded ', 'padded', 'Case', 'case',
  'a:b:c', 'a{b}c', 'a{b}', '{}', '}{', 'a*b?[c]', 'semi;colon--', '$1', '/../', '日本語', '🚀👩‍👩‍👧', '🚀', '🎈', 'Zoë', 'Zoe\u0308', 'Zoe',
  'soft\u00adhyphen', 'softhyphen', 'ア', 'あ',
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', '-1', '00', '1e3', 'null', 'undefined', 'true',
  `${'x'.repeat(254)}1`, `${'x'.repeat(254)}2`, 'é'.repeat(255),
]

/** Tries to change every member, as a careless caller might. A store may freeze its results. */
function vandalize(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    vandalize(member)
    if (typeof member !== 'object') Reflect.set(value, name, 'changed')
  }
  if (Array.isArray(value) && Object.isExtensible(value)) value.push('changed')
}

export function valueRules(rule: Rule): void {
  rule('keeps every member of a client', async (storage) => {
    const bound = client({ clientId: 'client-3', resourceServer: ['https://api.example'] })
    for (const stored of [fullClient, client({ clientId: 'client-2' }), bound]) {
      await storage.clients.insert(stored)
      isSame(await storage.clients.find(stored.clientId), stored, kept)
      const next = { ...fullClient, clientId: stored.clientId, version: 8, name: 'Next' }
      await storage.clients.update(next, stored.version)
      isSame(await storage.clients.find(stored.clientId), next, kept)
    }
  })

  rule('keeps every member of a credential', async (storage) => {
    const [minimal, added] = [code({ scope: [] }), { ...fullCredential, id: 'g1~added' }]
    await storage.grants.insert([fullCredential, minimal], grant())
    for (const stored of [fullCredential, minimal]) await isAlive(storage, stored, kept)
    const next = { ...fullCredential, id: minimal.id }
    await storage.grants.transition(minimal.id, 'fresh', next, [added])
    for (const stored of [next, added]) await isAlive(storage, stored, kept)
  })

  rule('keeps every member of a grant', async (storage) => {
    const [full, minimal] = [
      grant({ userId: 'ada', scope: ['b', 'a', 'a,b'], startedAt: NOW + 1, expiresAt: NOW + 2 }),
      grant({ id: 'g2', scope: [] }),
    ]
    for (const stored of [full, minimal]) await storage.grants.insert([], stored)
    await onlyAlive(storage, [full, minimal], kept)
  })

  rule('keeps the data of a grant, and replaces it when a transition stores the grant again', async (storage) => {
    const because =
      'The data of a grant is any JSON, returned unchanged. Otherwise a session loses it at its first refresh.'
    const [first, last] = [grant({ data }), grant({ data: { ...data, nested: { e: null }, added: [[0]] } })]
    await storage.grants.insert([code(), credential({ grantId: 'g1', state: 'one' })], first)
    await onlyAlive(storage, [first], because)
    await storage.grants.transition('g1~code', 'fresh', used(code()), [])
    await onlyAlive(storage, [first], `${because} This transition was given no grant.`)
    for (const [from, next, stored] of [
      ['one', 'two', last],
      ['two', 'three', grant()],
    ] as const) {
      await storage.grants.transition('g1~access', from, credential({ grantId: 'g1', state: next }), [], stored)
      await onlyAlive(storage, [stored], because)
      isSame(await storage.grants.list({ clientId: 'client-1', limit: 10 }), [stored], because)
    }
  })

  rule('keeps values of 64 KiB', async (storage) => {
    const stored = credential({ data: { large: `${'x'.repeat(32_768)}${'é'.repeat(16_384)}`, small: '' } })
    const description = '日本'.repeat(10_000)
    await storage.grants.insert([stored])
    await isAlive(storage, stored, 'A credential carries 64 KiB: an authorization request, a sealed token.')
    await storage.clients.insert(client({ description }))
    isSame(await storage.clients.find('client-1'), client({ description }), kept)
  })

  rule('keeps all client ids apart, whatever characters they have', async (storage) => {
    const because = 'A client id is any text, compared exactly: no wildcard, no quoting, no folding, nothing inherited.'
    for (const clientId of oddIds) {
      isSame(await storage.clients.find(clientId), undefined, because)
      await answers(storage.clients.insert(client({ clientId })), true, because)
    }
    for (const clientId of oddIds) isSame(await storage.clients.find(clientId), client({ clientId }), because)
    isSame((await storage.clients.list({ limit: 1000 })).length, oddIds.length, because)
    for (const username of oddIds) isSame(await storage.clients.list({ username, limit: 10 }), [], because)
  })

  for (const owner of ['userId', 'clientId'] as const) {
    rule(
      `keeps all values of ${owner} apart when it lists and revokes, whatever characters they have`,
      async (storage) => {
        const because = `A ${owner} is any text, compared exactly: no wildcard, no quoting, no folding, nothing inherited.`
        const rows = oddIds.map((value, n) => credential({ id: `g${n}~access`, grantId: `g${n}`, [owner]: value }))
        const grants = oddIds.map((value, n) => grant({ id: `g${n}`, [owner]: value }))
        for (const [n, row] of rows.entries()) await storage.grants.insert([row], grants[n] as Grant)
        for (const row of rows) await isAlive(storage, row, because)
        for (const [n, row] of rows.entries()) {
          const value = oddIds[n] as string
          const listed = await storage.grants.list(
            owner === 'userId' ? { userId: value, limit: 10 } : { clientId: value, limit: 10 },
          )
          isSame(listed, [grants[n]], `${because} It is '${value}'.`)
          await storage.grants.revoke(owner === 'userId' ? { userId: value } : { clientId: value }, NOW)
          await isDead(storage, row, `${because} It is '${value}', and was revoked.`)
          const next = rows[n + 1]
          if (next) await isAlive(storage, next, `${because} Only '${value}' and those before it were revoked.`)
        }
      },
    )
  }

  rule('accepts the names of inherited members as ids of credentials and grants', async (storage) => {
    for (const id of ['__proto__', 'constructor', 'toString', 'valueOf']) {
      const [token, stored] = [credential({ id: `${id}~`, grantId: id, kind: id, state: id }), grant({ id })]
      const bare = credential({ id })
      for (const row of [token, bare]) await isDead(storage, row, `'${id}' is not found before it is stored.`)
      await answers(storage.grants.insert([token, bare], stored), true, `'${id}' is free before it is stored.`)
      for (const row of [token, bare]) await isAlive(storage, row, `'${id}' is an id like any other.`)
    }
  })

  rule('does not share stored objects with its callers', async (storage) => {
    const because = 'A caller that changes an object after storing it must not change what is stored.'
    const rows = () => ({ stored: fullCredential, waiting: code(), app: fullClient, ours: grant({ data }) })
    const given = structuredClone(rows())
    const moved = structuredClone({
      next: used(code()),
      addition: { ...fullCredential, id: 'g1~more' },
      again: grant({ scope: [], data: { again: data } }),
    })
    const expected = structuredClone(moved)
    await storage.clients.insert(given.app)
    await storage.grants.insert([given.stored, given.waiting], given.ours)
    vandalize(given)
    isSame(await storage.clients.find('client-1'), rows().app, because)
    for (const row of [rows().stored, rows().waiting]) await isAlive(storage, row, because)
    await onlyAlive(storage, [rows().ours], because)
    await storage.grants.transition('g1~code', 'fresh', moved.next, [moved.addition], moved.again)
    vandalize(moved)
    for (const row of [expected.next, expected.addition]) await isAlive(storage, row, because)
    await onlyAlive(storage, [expected.again], because)
  })

  rule('does not share found objects with its callers', async (storage) => {
    const because = 'A caller that changes an object that it found must not change what is stored.'
    const given = structuredClone({ app: fullClient, token: fullCredential, ours: grant({ data }) })
    await storage.clients.insert(given.app)
    await storage.grants.insert([given.token], given.ours)
    for (const found of await everything(storage)) vandalize(found)
    isSame(await everything(storage), [fullClient, [fullClient], fullCredential, [grant({ data })]], because)
  })
}

async function everything(storage: OAuthStorage): Promise<(Client | Client[] | Credential | Grant[] | undefined)[]> {
  return [
    await storage.clients.find(fullClient.clientId),
    await storage.clients.list({ limit: 10 }),
    await storage.grants.find(fullCredential.id),
    await storage.grants.list({ limit: 10 }),
  ]
}
