import fc from 'fast-check'
import { OAuthError } from '../../src/index'
import {
  askedScope,
  formatScope,
  includesScope,
  intersectScope,
  isScopeToken,
  neededScope,
  parseScope,
  remainingScope,
  requireScopeWithin,
  resolveScope,
  scopesOfClient,
  scopeWithin,
  toScope,
} from '../../src/rules/scope'
import type { Client } from '../../src/storage'
import { nastyText, runs } from '../support/fuzz'

const server = new Map([
  ['read', 'See'],
  ['write', 'Change'],
  ['admin', 'All'],
])

function client(record: Partial<Client>): Client {
  return {
    clientId: 'app',
    version: 1,
    secrets: [],
    redirectUris: [],
    tokenEndpointAuthMethods: ['none'],
    createdAt: 0,
    updatedAt: 0,
    ...record,
  }
}

const invalidScope = expect.objectContaining({ code: 'invalid_scope' })
const token = fc.constantFrom('read', 'write', 'admin', 'Read', 'rea', 'reads', '__proto__')
const tokens = fc.uniqueArray(token)

describe('a scope token (RFC 6749 section 3.3)', () => {
  it.each(['a', '!', '#', '[', ']', '~', 'https://example.com/read', 'read:all', "it's", '__proto__'])(
    '%j is one',
    (text) => {
      expect(isScopeToken(text)).toBe(true)
    },
  )

  it.each([...['', ' ', 'a b', '"', '\\', '\t', '\n', 'a\0', 'é', '\x7f', '\x1f'], undefined, null, 1, ['a']])(
    '%j is none',
    (value) => {
      expect(isScopeToken(value)).toBe(false)
    },
  )
})

describe('a scope parameter', () => {
  it.each<[string, string[]]>([
    ['read', ['read']],
    ['write read', ['write', 'read']],
    ['  read   write ', ['read', 'write']],
    ['read read write read', ['read', 'write']],
    ['', []],
    [' ', []],
  ])('%j is the list %j', (text, list) => {
    expect(parseScope(text)).toEqual(list)
  })

  it.each(['read\twrite', 'read\nwrite', 'a"b', 'a\\b', 'é', 'read\u00a0write', 'a\r\nX: y'])(
    '%j is invalid_scope',
    (text) => {
      expect(() => parseScope(text)).toThrow(invalidScope)
    },
  )

  it('is read as it was written, in any text that is no scope it is invalid_scope', () => {
    fc.assert(
      fc.property(tokens, (list) => expect(parseScope(formatScope(list))).toEqual(list)),
      runs(100),
    )
    fc.assert(
      fc.property(nastyText, (text) => {
        try {
          for (const parsed of parseScope(text)) expect(isScopeToken(parsed)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError)
          expect(error).toEqual(invalidScope)
        }
      }),
      runs(300),
    )
  })

  it('may be a list in the code of a host, where a token with a space is two', () => {
    expect(toScope(['read', 'write'])).toEqual(['read', 'write'])
    expect(toScope('read write')).toEqual(['read', 'write'])
    expect(toScope(['read write'])).toEqual(['read', 'write'])
  })
})

describe('scopes are compared as whole tokens', () => {
  it.each<[string[], string[], boolean]>([
    [['read'], [], true],
    [[], [], true],
    [['read', 'write'], ['write'], true],
    [['read'], ['read', 'write'], false],
    [['readwrite'], ['read'], false],
    [['read'], ['Read'], false],
    [[], ['toString'], false],
    [[], ['__proto__'], false],
  ])('%j includes %j: %s', (held, asked, included) => {
    expect(includesScope(held, asked)).toBe(included)
  })

  it('an intersection is in both, and includes is the same as nothing left over', () => {
    fc.assert(
      fc.property(tokens, tokens, (one, other) => {
        const both = intersectScope(one, other)
        expect(includesScope(one, both) && includesScope(other, both)).toBe(true)
        expect(includesScope(other, one)).toBe(both.length === one.length)
      }),
      runs(200),
    )
  })
})

describe('the scope of a request', () => {
  it.each<[string, Partial<Client>, string | undefined, string[] | 'invalid_scope']>([
    ['nothing asked: all of the record', { scopes: ['read', 'write'] }, undefined, ['read', 'write']],
    [
      'nothing asked: the default of the record',
      { scopes: ['read', 'write'], defaultScopes: ['read'] },
      undefined,
      ['read'],
    ],
    ['nothing asked, no default: none', { scopes: ['read'], defaultScopes: [] }, undefined, []],
    [
      'a default beyond the record does not widen it',
      { scopes: ['read'], defaultScopes: ['read', 'admin'] },
      undefined,
      ['read'],
    ],
    ['nothing in the record: nothing', {}, undefined, []],
    ['nothing in the record, something asked', {}, 'read', 'invalid_scope'],
    ['what was asked', { scopes: ['read', 'write'] }, 'write', ['write']],
    [
      'more than the default, as the record allows',
      { scopes: ['read', 'write'], defaultScopes: ['read'] },
      'write',
      ['write'],
    ],
    ['more than the record', { scopes: ['read'] }, 'read admin', 'invalid_scope'],
    ['unknown to the server', { scopes: ['read'] }, 'read other', 'invalid_scope'],
    ['in the record and no more in the server', { scopes: ['read', 'gone'] }, 'gone', 'invalid_scope'],
    ['all of the record but what the server has no more', { scopes: ['read', 'gone'] }, undefined, ['read']],
    ['another case', { scopes: ['read'] }, 'READ', 'invalid_scope'],
  ])('%s', (_, record, asked, scope) => {
    const resolve = () => resolveScope({ scopes: server }, client(record), asked)
    if (scope === 'invalid_scope') expect(resolve).toThrow(invalidScope)
    else expect(resolve()).toEqual(scope)
  })

  const introduced = { origin: 'registration' } as const
  it.each<[string, Partial<Client>, string, string[] | string]>([
    ['a token that is unknown is named', { scopes: ['read'] }, 'read other', 'The scope other is unknown'],
    ['a token that is not allowed is named', { scopes: ['read'] }, 'admin read', 'The scope admin is unknown'],
    ['a comma is the likely mistake', { scopes: ['read', 'write'] }, 'read,write', 'spaces, not commas'],
    ['no comma is none', { scopes: ['read'] }, 'write', /client\.$/.source],
    ['what is long is not shown', { scopes: ['read'] }, 'x'.repeat(101), 'The scope is unknown'],
    ['offline_access is no error', { scopes: ['read'] }, 'offline_access read', ['read']],
    [
      'offline_access alone is nothing asked',
      { scopes: ['read', 'write'], defaultScopes: ['read'] },
      'offline_access',
      ['read'],
    ],
    ['offline_access grants nothing by itself', {}, 'offline_access', []],
    ['offline_access hides no other token', { scopes: ['read'] }, 'offline_access openid', 'The scope openid is'],
    [
      'who introduced itself brings words of other servers',
      { scopes: ['read'], ...introduced },
      'openid read offline_access claudeai',
      ['read'],
    ],
    ['of a document, too', { scopes: ['read', 'write'], origin: 'metadata_document' }, 'profile write', ['write']],
    [
      'nothing is left: what is open is named',
      { scopes: ['read', 'write'], ...introduced },
      'openid profile',
      'Open to this client: read write.',
    ],
    ['nothing is left, and nothing is open', introduced, 'openid', 'Open to this client: none.'],
    ['a scope of this server is never left out', { scopes: ['read'], ...introduced }, 'read admin', 'The scope admin'],
    ['a comma is never left out', { scopes: ['read', 'write'], ...introduced }, 'read read,write', 'not commas'],
  ])('%s', (_, record, asked, expected) => {
    const resolve = () => resolveScope({ scopes: server }, client(record), asked)
    if (typeof expected !== 'string') expect(resolve()).toEqual(expected)
    else expect(resolve).toThrow(invalidScope)
    if (typeof expected === 'string') expect(resolve).toThrow(new RegExp(expected))
  })

  it('is offline_access where the server has it as a scope, and the record, too', () => {
    const scopes = new Map([...server, ['offline_access', 'Stay signed in']])
    expect(resolveScope({ scopes }, client({ scopes: ['read', 'offline_access'] }), 'offline_access')).toEqual([
      'offline_access',
    ])
    expect(resolveScope({ scopes }, client({ scopes: ['read'] }), 'read offline_access')).toEqual(['read'])
  })

  it('of whoever introduced itself is never more than what was asked, the record and the server have', () => {
    const words = fc.uniqueArray(fc.constantFrom('read', 'write', 'admin', 'openid', 'offline_access', 'a,b', 'Read'))
    const record = fc.record({ scopes: tokens, defaultScopes: tokens }, { requiredKeys: [] })
    fc.assert(
      fc.property(record, words, tokens, (members, asked, held) => {
        const by = client({ ...members, ...introduced })
        for (const limit of [scopesOfClient(server, by), held]) {
          try {
            const scope = scopeWithin(server, by, formatScope(asked), limit) ?? []
            expect(includesScope(limit, scope) && includesScope(asked, scope)).toBe(true)
            // whatever this server has and was asked for is granted, or the answer is an error
            expect(asked.filter((name) => server.has(name)).every((name) => scope.includes(name))).toBe(true)
          } catch (error) {
            expect(error).toEqual(invalidScope)
          }
        }
      }),
      runs(500),
    )
  })

  it('is never more than the record and the server have, whatever is asked', () => {
    const record = fc.record({ scopes: tokens, defaultScopes: tokens }, { requiredKeys: [] })
    fc.assert(
      fc.property(record, fc.option(tokens.map(formatScope), { nil: undefined }), (members, asked) => {
        try {
          const scope = resolveScope({ scopes: server }, client(members), asked)
          expect(includesScope(members.scopes ?? [], scope)).toBe(true)
          expect(scope.every((name) => server.has(name))).toBe(true)
          if (asked !== undefined) expect(formatScope(scope)).toBe(asked)
        } catch (error) {
          expect(error).toEqual(invalidScope)
          const may = scopesOfClient(server, client(members))
          expect(includesScope(may, parseScope(asked ?? ''))).toBe(false)
        }
      }),
      runs(500),
    )
  })

  it('may be narrowed and never widened (RFC 6749 §6)', () => {
    fc.assert(
      fc.property(tokens, tokens, (asked, limit) => {
        if (includesScope(limit, asked)) expect(requireScopeWithin(asked, limit)).toEqual(asked)
        else expect(() => requireScopeWithin(asked, limit)).toThrow(invalidScope)
        // no scope that must be there for the others to count
        if (includesScope(limit, asked)) {
          expect(requireScopeWithin([...asked, 'offline_access'], limit)).toEqual(asked)
        }
      }),
      runs(200),
    )
  })
})

describe('the scope that a route needs', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [{ scope: [] }, []],
    [{ scope: 'read write' }, ['read', 'write']],
    [{ scope: ['read'] }, ['read']],
  ])('of %j is %j', (options, needed) => {
    expect(neededScope('guard', options)).toEqual(needed)
  })

  it.each(['', ' ', [''], [' '], undefined, null, 7, { length: 0 }])('is a mistake where it is %j', (scope) => {
    expect(() => neededScope('guard', { scope: scope as never })).toThrow("guard's scope is empty")
  })
})

it('a scope parameter of spaces is blank, and an empty one was not sent (RFC 6749 section 3.3)', () => {
  expect(askedScope('')).toEqual([])
  expect(askedScope(' read ')).toEqual(['read'])
  expect(() => askedScope('  ')).toThrow(expect.objectContaining({ code: 'invalid_scope' }))
})

it('of a granted scope that is not nothing, something must remain', () => {
  const client = { scopes: ['read'] } as never
  const server = new Map([['read', '']])
  expect(remainingScope(server, client, ['read', 'write'])).toEqual(['read'])
  expect(remainingScope(server, client, [])).toEqual([])
  expect(() => remainingScope(server, client, ['write'])).toThrow(expect.objectContaining({ code: 'invalid_scope' }))
})
