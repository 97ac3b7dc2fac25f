import fc from 'fast-check'
import {
  findResource,
  heldAudience,
  isResourceUri,
  knownResource,
  narrowAudience,
  resolveAudience,
} from '../../src/rules/resource'
import { runs } from '../support/fuzz'

describe('a resource (RFC 8707 §2)', () => {
  it.each(['https://a.example', 'https://a.example/b?c=d', 'urn:api', "https://a.example/it's"])(
    '%j is one',
    (text) => {
      expect(isResourceUri(text)).toBe(true)
    },
  )

  it.each<[unknown]>([
    ...[' https://a.example', 'https://a.example ', 'https://a.example/b c', '\thttps://a.example'].map((text) => [
      text,
    ]),
    ...['https://a.example/"', 'https://a.example/é', 'https://a.example#', '/a', '', 'a'].map((text) => [text]),
    ...[[undefined], [['https://a.example']]],
  ] as [unknown][])('%j is none', (text) => {
    expect(isResourceUri(text)).toBe(false)
  })

  it('is the one that is spelled alike, before one that means the same', () => {
    const rules = { resources: ['https://a.example/', 'https://a.example', 'https://b.example'], audience: [] }
    expect(knownResource(rules, 'https://a.example')).toBe('https://a.example')
    expect(knownResource(rules, 'https://a.example/')).toBe('https://a.example/')
    expect(knownResource(rules, 'https://B.example/')).toBe('https://b.example')
  })
})

describe('a resource parameter', () => {
  const rules = { resources: ['https://a.example', 'https://b.example'], audience: ['https://a.example'] }

  it('may name several, with any number of spaces between them', () => {
    expect(resolveAudience(rules, {}, '  https://b.example   https://a.example ')).toEqual(rules.resources)
  })

  it('in another spelling has those of the server parsed once, and not for each that is named', () => {
    const resources = Array.from({ length: 100 }, (_, index) => `https://a${index}.example`)
    const map = jest.spyOn(resources, 'map')
    const asked = Array(1000).fill('https://a99.example/').join(' ')
    expect(resolveAudience({ resources, audience: [] }, {}, asked)).toEqual(['https://a99.example'])
    expect(map).toHaveBeenCalledTimes(1)
  })

  it.each(['', ' ', 'https://c.example', 'https://a.example https://c.example'])('%j is invalid_target', (asked) => {
    expect(() => resolveAudience(rules, {}, asked)).toThrow(expect.objectContaining({ code: 'invalid_target' }))
  })
})

it('the audience of an authorization means nothing on a server without resources', () => {
  const [a, b] = ['https://a.example', 'https://b.example']
  expect(heldAudience({ resources: [], audience: [] }, [a])).toEqual([])
  expect(heldAudience({ resources: [a], audience: [] }, [a])).toEqual([a])
  expect(heldAudience({ resources: [a], audience: [b] }, undefined)).toEqual([b])
})

describe('a slash at the end of a path (RFC 3986 §6.2.3, RFC 8707 §2)', () => {
  const api = 'https://host.example/mcp'
  it.each<[registered: string, sent: string]>([
    [api, `${api}/`],
    [`${api}/`, api],
    [api, 'https://HOST.example:443/mcp/'],
    ['https://host.example', 'https://host.example/'],
    ['https://host.example/', 'https://host.example'],
    [`${api}?a=b`, `${api}/?a=b`],
    ['http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp/'],
  ])('%j is also %j, and stays what it is', (registered, sent) => {
    expect(findResource([registered], sent)).toBe(registered)
  })

  it.each<[registered: string, sent: string]>([
    [api, `${api}//`],
    [`${api}/`, `${api}//`],
    [`${api}//`, `${api}/`],
    [api, `${api}%2F`],
    [api, `${api}/x`],
    [api, `${api}?/`],
    [`${api}?a=b/`, `${api}?a=b`],
    [api, 'https://host.example/MCP/'],
    [api, 'http://host.example/mcp/'],
    [api, 'https://host.example:8443/mcp/'],
    ['https://host.example', 'https://host.example//'],
    ['urn:api', 'urn:api/'],
    ['app://host/mcp', 'app://host/mcp/'],
  ])('%j is not %j', (registered, sent) => {
    expect(findResource([registered], sent)).toBeUndefined()
  })

  it('is told apart where the server has both', () => {
    const both = [api, `${api}/`]
    for (const one of [both, [`${api}/`, api]]) {
      expect(findResource(one, api)).toBe(api)
      expect(findResource(one, `${api}/`)).toBe(`${api}/`)
      expect(findResource(one, 'https://HOST.example/mcp/')).toBe(`${api}/`)
    }
  })

  const uri = fc
    .tuple(
      fc.constantFrom('https://a.example', 'https://A.example', 'http://a.example', 'urn:a'),
      fc.constantFrom('', '/', '//', '/mcp', '/mcp/', '/mcp//', '/mcp/v1', '/mcp%2F'),
      fc.constantFrom('', '', '?x', '?x/'),
    )
    .map((parts) => parts.join(''))
  const list = fc.uniqueArray(uri, { minLength: 1, maxLength: 6 })

  it('never widens: what comes out is what the client may have, as the server spells it, and no other API', () => {
    fc.assert(
      fc.property(list, list, list, uri, (resources, ofClient, granted, asked) => {
        const server = { resources, audience: resources.slice(0, 1) }
        const named = ofClient.filter((one) => resources.includes(one))
        const found = findResource(resources, asked)
        if (found !== undefined) expect(resources).toContain(found)
        if (resources.includes(asked)) expect(found).toBe(asked)
        if (found !== undefined && found !== asked) expect(bare(found)).toBe(bare(asked))
        if (named.length === 0) return
        const client = { resources: named }
        for (const [allowed, resolve] of [
          [named, () => resolveAudience(server, client, asked)],
          [named.filter((one) => granted.includes(one)), () => narrowAudience(server, client, granted, asked)],
        ] as const) {
          try {
            expect(resolve()).toEqual([found])
            expect(allowed).toContain(found)
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_target' })
            expect(allowed).not.toContain(found)
          }
        }
      }),
      runs(2000),
    )
  })

  /** What stands for an API, written once more and in another way. */
  function bare(text: string): string {
    const { protocol, host, pathname, search } = new URL(text)
    return [protocol, host, /(^|[^/])\/$/.test(pathname) ? pathname.slice(0, -1) : pathname, search].join(' ')
  }
})
