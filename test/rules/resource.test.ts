import { heldAudience, isResourceUri, knownResource, resolveAudience } from '../../src/rules/resource'

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
