import fc from 'fast-check'
import { OAuthError } from '../../src'
import { escapeQuoted, withChallenge } from '../../src/guard/challenge'
import { parseWwwAuthenticateChallenges } from '../support/challenges'
import { nastyText, runs } from '../support/fuzz'

describe('the Bearer challenge (RFC 6750 §3)', () => {
  it('escapes quotes and backslashes, and drops what no header may hold', () => {
    expect(escapeQuoted('a "b" \\ c')).toBe('a \\"b\\" \\\\ c')
    expect(escapeQuoted('a\r\nSet-Cookie: x\0\x7fé\u2028')).toBe('aSet-Cookie: x')
  })

  it('stays one header with one scheme and the same parameters, whatever realm and description are', () => {
    fc.assert(
      fc.property(nastyText, nastyText, (realm, description) => {
        const failure = withChallenge(new OAuthError('insufficient_scope', description), { realm }, ['read', 'write'])
        const header = failure.headers['WWW-Authenticate'] as string
        expect(header).toMatch(/^[\x20-\x7e]+$/)
        expect(parseWwwAuthenticateChallenges(header)).toEqual([
          {
            scheme: 'Bearer',
            parameters: {
              realm: realm.replace(/[^\x20-\x7e]/g, ''),
              error: 'insufficient_scope',
              error_description: failure.description,
              scope: 'read write',
            },
          },
        ])
      }),
      runs(500),
    )
  })
})
