import fc from 'fast-check'
import { OAuthError } from '../../src/index'
import {
  mergeParameters,
  noParameters,
  parametersOf,
  parseForm,
  parseJsonObject,
  parseJsonParameters,
  requireParameter,
  requireUnrepeated,
  tryDecodeComponent,
} from '../../src/rules/params'
import { anyText, nastyText, runs } from '../support/fuzz'

const form = (text: string) => Object.fromEntries(requireUnrepeated(parseForm(text)))
const json = (text: string) => Object.fromEntries(requireUnrepeated(parseJsonParameters(text)))
const invalidRequest = expect.objectContaining({ code: 'invalid_request', status: 400 })

function refused(parse: () => unknown): void {
  expect(parse).toThrow(invalidRequest)
}

/** Whatever is sent, a parser answers with parameters or with `invalid_request`. */
function parsesOrRefuses(parse: () => unknown): void {
  try {
    parse()
  } catch (error) {
    expect(error).toBeInstanceOf(OAuthError)
    expect(error).toMatchObject({ code: 'invalid_request', status: 400 })
  }
}

describe('a form', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['&', {}],
    ['&&a=1&&', { a: '1' }],
    ['a=1&b=2', { a: '1', b: '2' }],
    ['a=b=c', { a: 'b=c' }],
    ['a=%26%3D%2B%25', { a: '&=+%' }],
    ['a=x+y%20z', { a: 'x y z' }],
    ['a=%e2%82%ac', { a: '€' }],
    ['a=%F0%9F%98%80', { a: '😀' }],
    ['a+b=1', { 'a b': '1' }],
    ['a%5B%5D=1', { 'a[]': '1' }],
    ['a;b=1', { 'a;b': '1' }],
    ['=1', { '': '1' }],
    ['constructor=1&toString=2&hasOwnProperty=3', { constructor: '1', toString: '2', hasOwnProperty: '3' }],
  ])('%j is read as %j', (text, parameters) => {
    expect(form(text)).toEqual(parameters)
  })

  it.each(['a=', 'a', '&a&', 'a=&b='])('%j has no parameter: an empty one is absent (RFC 6749 §3.1)', (text) => {
    expect(form(text)).toEqual({})
  })

  it.each([
    ['a=1&a=2', 'two values'],
    ['a=1&a=1', 'one value twice'],
    ['a=1&a=', 'an empty second one'],
    ['a=&a=1', 'an empty first one'],
    ['a=1&%61=2', 'an encoded name'],
    ['a+b=1&a%20b=2', 'two encodings of a space'],
  ])('%j is a repetition (RFC 6749 §3.1): %s', (text) => {
    refused(() => form(text))
  })

  it.each(['a=%', 'a=%4', 'a=%zz', 'a=%u0041', '%=1', 'a=%ff', 'a=%c3', 'a=%c0%af', 'a=%ed%a0%80', 'a=%00', 'a\0=1'])(
    '%j is refused: it cannot be read, or not kept as it was sent',
    (text) => {
      refused(() => form(text))
    },
  )

  it('has __proto__ as an ordinary name', () => {
    const { parameters } = parseForm('__proto__=1&__proto__[x]=2')
    expect([...parameters]).toEqual([
      ['__proto__', '1'],
      ['__proto__[x]', '2'],
    ])
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it('is read as URLSearchParams wrote it', () => {
    const pairs = fc.uniqueArray(
      fc.tuple(
        anyText,
        anyText.filter((value) => value !== ''),
      ),
      {
        selector: ([name]) => name,
      },
    )
    const clean = pairs.filter((list) => !list.flat().some((text) => text.includes('\0')))
    fc.assert(
      fc.property(clean, (list) => {
        expect([...parseForm(new URLSearchParams(list).toString()).parameters]).toEqual(list)
      }),
      runs(300),
    )
  })

  it('never loses a repetition, whatever stands between', () => {
    const pair = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', '1', '2'))
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const names = pairs.map(([name]) => name)
        const { repeated } = parseForm(new URLSearchParams(pairs).toString())
        expect([...repeated].sort()).toEqual([...new Set(names.filter((name, i) => names.indexOf(name) !== i))].sort())
      }),
      runs(300),
    )
  })

  it('answers any text with parameters or invalid_request', () => {
    fc.assert(
      fc.property(nastyText, (text) => parsesOrRefuses(() => parseForm(text))),
      runs(500),
    )
  })
})

describe('a JSON object of parameters', () => {
  it.each<[string, Record<string, string>]>([
    ['{}', {}],
    [' { "a" : "1" } ', { a: '1' }],
    ['{"a":"","b":"2"}', { b: '2' }],
    ['{"a":"\\"\\\\","b":"{\\"c\\":\\"d\\"}"}', { a: '"\\', b: '{"c":"d"}' }],
    ['{"\\u0061":"x"}', { a: 'x' }],
    ['{"a":"\u2028"}', { a: '\u2028' }],
  ])('%s is read as %j', (text, parameters) => {
    expect(json(text)).toEqual(parameters)
  })

  it.each([
    '{"a":"1","a":"2"}',
    '{"a":"1","a":"1"}',
    '{"a":"","a":"1"}',
    '{"a":"1","\\u0061":"2"}',
    '{"a":["1"]}',
    '{"a":["1","2"]}',
  ])('%s is a repetition', (text) => {
    refused(() => json(text))
  })

  it.each([
    ...['', '{', '{"a"', '{"a":"1"', "{'a':'1'}", '{"a":"1"}x', '\ufeff{}', '{"a":\u00a0"1"}'],
    ...['null', '1', '"a"', 'true', '[]', '[{"a":"1"}]'],
    ...['{"a":1}', '{"a":true}', '{"a":null}', '{"a":{}}', '{"a":{"b":"c"}}'],
    ...['{"a":"\\u0000"}', '{"\\u0000":"1"}', '{"a":"\\ud800"}', '{"a":"\\udc00x"}'],
  ])('%s is refused', (text) => {
    refused(() => json(text))
  })

  it('has __proto__ as an ordinary name', () => {
    const { parameters } = parseJsonParameters('{"__proto__":"1","constructor":"2"}')
    expect([...parameters]).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  it('says the same as the form of the same parameters', () => {
    const dictionary = fc.dictionary(anyText, anyText, { noNullPrototype: true })
    fc.assert(
      fc.property(dictionary, (members) => {
        const outcome = (parse: () => object) => {
          try {
            return Object.entries(parse()).sort()
          } catch {
            return 'refused'
          }
        }
        const asForm = outcome(() => form(new URLSearchParams(Object.entries(members)).toString()))
        expect(outcome(() => json(JSON.stringify(members)))).toEqual(asForm)
      }),
      runs(300),
    )
  })

  it('answers any text and any JSON with parameters or invalid_request', () => {
    const text = fc.oneof(nastyText, fc.json(), fc.json({ stringUnit: 'binary' }))
    fc.assert(
      fc.property(text, (sent) => parsesOrRefuses(() => parseJsonParameters(sent))),
      runs(500),
    )
  })
})

describe('a JSON object with members of any type', () => {
  it('is an object and nothing else', () => {
    expect(parseJsonObject('{"a":[1],"b":null}')).toEqual({ a: [1], b: null })
    for (const text of ['', '[]', 'null', '1', '"a"', '{']) refused(() => parseJsonObject(text))
  })
})

describe("parameters of the host's own body parser", () => {
  const of = (body: object) => requireUnrepeated(parametersOf(Object.entries(body)))

  it('are taken where they are strings', () => {
    expect([...of({ a: '1', b: '' })]).toEqual([['a', '1']])
  })

  it('are said to be repeated, which at some endpoints only means that the client is told of it elsewhere', () => {
    expect([...parametersOf([['a', ['1', '2']]]).repeated]).toEqual(['a'])
  })

  it('may repeat resource alone, as a list of strings (RFC 8707 §2)', () => {
    const [one, two] = ['https://a.example', 'https://b.example']
    expect([...of({ resource: one })]).toEqual([['resource', one]])
    expect([...of({ resource: [one, two] })]).toEqual([['resource', `${one} ${two}`]])
    for (const resource of [[one, 1], [{}], { 0: one, length: 1 }, 1]) refused(() => of({ resource }))
  })

  it.each<[string, object]>([
    ['an array, which was a repeated parameter', { a: ['1'] }],
    ['an object, which was a[b]=c', { a: { b: 'c' } }],
    ['a number', { a: 1 }],
    ['null', { a: null }],
    ['NUL', { a: '\0' }],
    ['half a surrogate pair', { a: '\ud800' }],
  ])('are refused for %s', (_, body) => {
    refused(() => of(body))
  })
})

describe('two sets of parameters as one', () => {
  it('repeats what is in both, also with the same value (parameter pollution between query and body)', () => {
    const merged = mergeParameters(parseForm('a=1&b=2'), parseForm('b=2&c=3'))
    expect([...merged.repeated]).toEqual(['b'])
    expect(Object.fromEntries(merged.parameters)).toEqual({ a: '1', b: '2', c: '3' })
    refused(() => requireUnrepeated(merged))
  })

  it('keeps what either had repeated', () => {
    expect([...mergeParameters(parseForm('a=1&a=2'), noParameters()).repeated]).toEqual(['a'])
    expect([...mergeParameters(noParameters(), parseForm('a=1&a=2')).repeated]).toEqual(['a'])
  })
})

it('names the parameter that is missing', () => {
  expect(() => requireParameter(new Map(), 'code')).toThrow('The parameter code is missing.')
  expect(requireParameter(new Map([['code', 'x']]), 'code')).toBe('x')
})

it('decodes what encodeURIComponent encoded, and gives nothing for what is no encoding', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(tryDecodeComponent(encodeURIComponent(text))).toBe(text)
    }),
    runs(200),
  )
  for (const text of ['%', '%zz', '%ff', '%c0%af']) expect(tryDecodeComponent(text)).toBeUndefined()
})
