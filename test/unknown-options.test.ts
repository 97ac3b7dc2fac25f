// An option that nobody knows throws at start-up, by name: a misspelt `scope` would be a guard that asks for none.
import {
  authorizationCode,
  bearerGuard,
  generateSigningKey,
  implicit,
  introspectRouter,
  jwt,
  opaque,
  refreshToken,
  requireScope,
} from '../src/index'
import { createHost } from './support/host'

type Loose = (...parameters: unknown[]) => unknown

it.each<[string, (options: object) => unknown]>([
  ['authorizationCode', authorizationCode],
  ['implicit', implicit],
  ['opaque', opaque],
  ['refreshToken', refreshToken],
  ['jwt', (options) => (jwt as Loose)({ keys: generateSigningKey(), audience: 'https://api.example', ...options })],
])('%s', (name, make) => {
  expect(() => make({})).not.toThrow()
  expect(() => make({ tll: 60 })).toThrow(new RegExp(`${name}.*tll`))
})

it.each<[string, Loose]>([
  ['bearerGuard', bearerGuard as Loose],
  ['introspectRouter', introspectRouter as Loose],
])('%s', async (name, make) => {
  const { server } = await createHost()
  expect(() => make(server, {})).not.toThrow()
  expect(() => make(server, { scopes: 'read' })).toThrow(new RegExp(`${name}.*scopes`))
})

it('requireScope without a scope', () => {
  for (const scope of [undefined, '', []]) expect(() => (requireScope as Loose)(scope)).toThrow('needs a scope')
})
