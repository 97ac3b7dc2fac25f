// RFC 9396 §2: what is read from the parameter, and nothing that another reader of JSON would read otherwise.
import fc from 'fast-check'
import { OAuthError } from '../../src/index'
import { detailsFor, narrowDetails, parseAuthorizationDetails } from '../../src/rules/authorization-details'
import { isFrozen } from '../../src/storage/frozen'
import { nastyText, runs } from '../support/fuzz'

const payment = { type: 'payment', amount: '10.00', creditor: { name: 'Ada', iban: 'DE02' }, actions: ['initiate'] }
const problemOf = (text: string): string => {
  try {
    parseAuthorizationDetails(text)
  } catch (error) {
    expect((error as OAuthError).code).toBe('invalid_authorization_details')
    return (error as OAuthError).description
  }
  return 'none'
}
const nested = (depth: number): unknown => (depth === 0 ? 'x' : { a: nested(depth - 1) })

describe('the parameter authorization_details', () => {
  it('is a list of objects with a type, frozen all the way down', () => {
    const read = parseAuthorizationDetails(JSON.stringify([payment, { type: 'payment' }]))
    expect(read).toEqual([payment, { type: 'payment' }])
    expect(isFrozen(read)).toBe(true)
  })

  it.each([
    ['no JSON', '[{"type":"payment"}', 'must be JSON'],
    ['nothing', '', 'must be JSON'],
    ['an object', '{"type":"payment"}', 'must be a list of 1 to 16 objects'],
    ['no details', '[]', 'must be a list of 1 to 16 objects'],
    ['too many', JSON.stringify(Array(17).fill({ type: 'a' })), 'must be a list of 1 to 16 objects'],
    ['a string among them', '["payment"]', '[0] must be an object'],
    ['null among them', '[{"type":"a"},null]', '[1] must be an object'],
    ['a list among them', '[[{"type":"a"}]]', '[0] must be an object'],
    ['no type', '[{"amount":"1"}]', '[0] must have a type'],
    ['an empty type', '[{"type":""}]', '[0] must have a type'],
    ['a type that is no string', '[{"type":7}]', '[0] must have a type'],
    ['a type of the prototype', '[{"__proto__":{"type":"payment"}}]', 'a name that is not allowed'],
    ['a constructor', '[{"type":"a","b":{"constructor":1}}]', 'a name that is not allowed'],
    ['locations that are no list', '[{"type":"a","locations":"https://a"}]', '[0] must have locations as a list'],
    ['actions with a number', '[{"type":"a","actions":[1]}]', '[0] must have actions as a list of strings'],
    ['datatypes that are null', '[{"type":"a","datatypes":null}]', '[0] must have datatypes as a list of strings'],
    ['privileges as an object', '[{"type":"a","privileges":{}}]', '[0] must have privileges as a list of strings'],
    ['an identifier that is no string', '[{"type":"a","identifier":["1"]}]', '[0] must have identifier as a string'],
    ['one amount for the user, another for the API', '[{"type":"a","x":1,"x":100}]', 'a member more than once'],
    ['the same, spelled in another way', '[{"type":"a","x":1,"\\u0078":100}]', 'a member more than once'],
    ['the same within', '[{"type":"a","b":{"x":"1","x":"100"}}]', 'a member more than once'],
    ['digits that get lost', '[{"type":"a","x":9007199254740993}]', 'no number that is beyond 2^53'],
    ['a number beyond all', '[{"type":"a","x":1e999}]', 'no number that is beyond 2^53'],
    ['a zero with a sign', '[{"type":"a","x":-0}]', 'and no -0'],
    ['what is less than the least number', '[{"type":"a","x":-1e-400}]', 'and no -0'],
    ['half a character', '[{"type":"a","x":"\\ud83d"}]', 'no control characters'],
    ['NUL', '[{"type":"a","x":"\\u0000"}]', 'no control characters'],
    ['what turns the text around it', '[{"type":"a","x":"\\u202e01 yaP"}]', 'none that turn the text'],
    ['the same as a name', '[{"type":"a","\\u2066":"x"}]', 'none that turn the text'],
    ['more than 4096 bytes', JSON.stringify([{ type: 'a', x: 'ä'.repeat(2040) }]), 'at most 4096 bytes'],
    ['too deep', JSON.stringify([{ type: 'a', b: nested(7) }]), 'nested more than 8 deep'],
    ['very deep', `[{"type":"a","b":${'['.repeat(1900)}${']'.repeat(1900)}}]`, 'nested more than 8 deep'],
  ])('is refused with %s', (_, text, problem) => {
    expect(problemOf(text)).toContain(problem)
  })

  it('may be as large and as deep as the bounds', () => {
    expect(problemOf(JSON.stringify([{ type: 'a', x: 'a'.repeat(4074) }]))).toBe('none')
    expect(problemOf(JSON.stringify([{ type: 'a', b: nested(6) }]))).toBe('none')
    expect(problemOf('[{"type":"a","x":9007199254740991,"y":-0.25,"z":1e-9,"n":null,"t":true}]')).toBe('none')
  })

  it('is read as JSON.parse reads it, or refused: for any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        if (problemOf(text) === 'none') expect(parseAuthorizationDetails(text)).toEqual(JSON.parse(text))
      }),
      runs(300),
    )
  })

  it('comes back the same from what it was written as: for any details', () => {
    const word = fc.stringMatching(/^[a-z ]{0,8}$/)
    const member = fc.oneof(word, fc.integer(), fc.boolean(), fc.array(word, { maxLength: 3 }))
    const names = fc.stringMatching(/^[A-Z]{1,6}$/)
    const detail = fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.dictionary(names, member, { maxKeys: 4 }))
    fc.assert(
      fc.property(fc.array(detail, { minLength: 1, maxLength: 5 }), (all) => {
        const details = all.map(([type, members]) => ({ type, ...members }))
        expect(parseAuthorizationDetails(JSON.stringify(details, null, 1))).toEqual(details)
      }),
      runs(200),
    )
  })

  it('never throws anything but its error: for any text', () => {
    fc.assert(
      fc.property(nastyText, (text) => void problemOf(text)),
      runs(300),
    )
    fc.assert(
      fc.property(nastyText, nastyText, (name, value) => {
        const text = JSON.stringify([{ type: 'a', [name]: value }])
        if (problemOf(text) !== 'none') return
        // what is read can be shown and kept
        expect(text).not.toMatch(/\\u0000|[\u202a-\u202e\u2066-\u2069]/)
      }),
      runs(300),
    )
  })
})

describe('narrowing (RFC 9396 §6)', () => {
  const [a, b] = [payment, { type: 'account', identifier: '7' }]

  it('keeps those that are asked for, in the order of the grant, whatever the order of their members', () => {
    const turned = { actions: ['initiate'], creditor: { iban: 'DE02', name: 'Ada' }, amount: '10.00', type: 'payment' }
    expect(narrowDetails([a, b], [b, turned])).toEqual([a, b])
    expect(narrowDetails([a, b], [b])).toEqual([b])
  })

  it.each([
    ['another amount', { ...payment, amount: '10.0' }],
    ['a lower amount, which may be more to the API', { ...payment, amount: '1.00' }],
    ['an amount as a number', { ...payment, amount: 10 }],
    ['a member more', { ...payment, more: true }],
    ['a member less', { type: 'payment', amount: '10.00' }],
    ['one more action', { ...payment, actions: ['initiate', 'cancel'] }],
    ['another normal form of its letters (§12)', { ...payment, creditor: { name: 'A\u0301da', iban: 'DE02' } }],
    ['a type in other letters', { ...payment, type: 'Payment' }],
  ])('refuses %s', (_, asked) => {
    expect(() => narrowDetails([payment], [asked])).toThrow(OAuthError)
  })

  it('never yields what was not granted, and never fails for what was: for any two lists', () => {
    const members = { type: fc.constantFrom('a', 'b'), x: fc.integer({ min: 0, max: 2 }) }
    const detail = fc.record(members, { noNullPrototype: true })
    fc.assert(
      fc.property(fc.array(detail), fc.array(detail, { minLength: 1 }), (granted, asked) => {
        const has = (all: object[], one: object) => all.some((other) => JSON.stringify(other) === JSON.stringify(one))
        if (!asked.every((one) => has(granted, one))) {
          expect(() => narrowDetails(granted, asked)).toThrow(OAuthError)
          return
        }
        const narrowed = narrowDetails(granted, asked)
        expect(narrowed.every((one) => granted.includes(one as never) && has(asked, one))).toBe(true)
        expect(asked.every((one) => has([...narrowed], one))).toBe(true)
      }),
      runs(200),
    )
  })
})

describe('details for one audience (RFC 9396 §9.1)', () => {
  const resources = ['https://a.example', 'https://b.example/']
  const at = (...locations: string[]) => ({ type: 'x', locations })

  it.each([
    ['at the resource', at('https://a.example'), true],
    ['at another resource', at('https://b.example'), false],
    ['at both', at('https://b.example', 'https://a.example'), true],
    ['in another spelling', at('HTTPS://A.example/'), true],
    ['at no resource of the server', at('https://elsewhere.example'), true],
    ['without locations', { type: 'x' }, true],
  ])('%s: %j is in the token: %s', (_, detail, isIn) => {
    expect(detailsFor([detail], resources, ['https://a.example'])).toEqual(isIn ? [detail] : [])
  })

  it('are all of them where the server has no resources', () => {
    expect(detailsFor([at('https://b.example')], [], [])).toHaveLength(1)
  })
})
