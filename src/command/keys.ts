/** `keys`: creates signing keys, replaces them without refusing tokens, and publishes them (RFC 7517). */
import type { KeyMaterial } from '../crypto'
import { currentKeyRing, type SigningKeys } from '../jwt/key-ring'
import { generateSigningKey, type SigningAlgorithm } from '../jwt/keys'
import { type Call, type Command, type Group, oneOf, required } from './call/call'
import { exit, misused, Refusal } from './call/refusal'
import { readSecret, SOURCES } from './call/secret'
import { written } from './key-file'

const algorithms = ['ES256', 'RS256', 'PS256'] as const satisfies readonly SigningAlgorithm[]

const algorithm = {
  type: 'string',
  value: 'NAME',
  words: `${algorithms.join(', ')}. Without it ES256`,
} as const
const from = { type: 'string', value: 'SOURCE', words: `the keys: ${SOURCES}` } as const
const out = {
  type: 'string',
  value: 'FILE',
  words: 'a new file, readable for you alone, instead of standard output',
} as const

const make: Command = {
  about: 'Make the private keys of a server.',
  details: [
    'Prints { "current": … }: what jwt({ keys }) and openid({ keys }) take, after JSON.parse. It is printed once',
    'and stored nowhere else: keep it with your other secrets.',
  ],
  options: { algorithm, out },
  examples: [
    ['keys make --out keys.json', 'a file for the host, mode 600'],
    ['keys make --algorithm RS256', 'on standard output, for a secret manager'],
  ],
  async run(call) {
    const named = call.text('algorithm') ?? 'ES256'
    const keys = { current: generateSigningKey(oneOf('--algorithm', named, algorithms)) }
    const file = call.text('out')
    if (file === undefined) await call.terminal.exact(JSON.stringify(keys))
    else await written(call, file, keys, 'new')
    return exit.done
  },
}

const rotate: Command = {
  about: 'Take the next step of replacing a key, so that no token is refused.',
  details: [
    'First it adds a new key as `next`, which is published and does not sign yet. Run it again an hour later,',
    'when every API has fetched it: `next` becomes `current`, and the old key is `retired`. With --forget it takes',
    'the retired keys away, once their last token has expired. A file is replaced in one step, and keeps its owner',
    'and mode; one that is a single key asks first, for it becomes a set. Other sources are left as they are, and',
    'the result is printed.',
  ],
  options: {
    from,
    algorithm: {
      ...algorithm,
      words: `of the new key: ${algorithms.join(', ')}. Without it as the current one says`,
    },
    forget: { type: 'boolean', words: 'remove the retired keys' },
  },
  examples: [
    ['keys rotate --from keys.json', 'the next step, in the file'],
    ['keys rotate --from env:SIGNING_KEYS', 'the same, printed'],
    ['keys rotate --from keys.json --forget --yes', 'the last step'],
  ],
  async run(call) {
    const source = required(call, 'from')
    const { form, keys } = readKeys(source)
    const { next, said } = await step(call, keys)
    // never store keys that the host would refuse at its next start
    ringOf(next)
    if (source === '-' || source.startsWith('env:')) await call.terminal.exact(JSON.stringify(next))
    else {
      // a host that reads the file as a single key would not start
      if (form !== 'set') {
        await call.terminal.confirm(`Make the file, which is one ${form}, a JSON set of keys { "current", "next" }?`)
      }
      await written(call, source, next, 'replaced')
    }
    call.terminal.say(said)
    return exit.done
  },
}

const print: Command = {
  about: 'Print the public keys, as the server publishes them (RFC 7517 §5).',
  options: { from },
  examples: [['keys public --from keys.json', 'a JWK Set, without private members']],
  async run(call) {
    const { jwks } = ringOf(readKeys(required(call, 'from')).keys)
    await call.terminal.exact(JSON.stringify(jwks, null, call.terminal.json ? 0 : 2))
    return exit.done
  },
}

export const keys: Group = {
  about: 'Signing keys: make, rotate, print the public ones.',
  commands: { make, rotate, public: print },
}

async function step(call: Call, keys: SigningKeys): Promise<{ next: SigningKeys; said: string }> {
  const { current, next: upcoming, retired = [] } = keys
  if (call.flag('forget')) {
    if (retired.length === 0) throw new Refusal('There is no retired key.')
    await call.terminal.confirm(`Forget ${retired.length} retired? Tokens that are signed with it are refused.`)
    const { retired: _, ...kept } = keys
    return { next: kept, said: 'The retired keys are gone.' }
  }
  const signers = [...ringOf(keys).signers.keys()]
  if (upcoming === undefined) {
    const named = oneOf('--algorithm', call.text('algorithm') ?? algorithmOf(keys, signers[0]), algorithms)
    const said = 'A key was added as `next`. Deploy it, and run the same again in an hour: then it signs.'
    return { next: { ...keys, next: generateSigningKey(named) }, said }
  }
  await call.terminal.confirm('Let the next key sign? Every process must have published it for an hour.')
  const ready = ringOf({ current: upcoming }).signing.algorithm
  const list = Array.isArray(current) ? (current as readonly KeyMaterial[]) : [current as KeyMaterial]
  const at = signers.indexOf(ready)
  // replaces the key with the same algorithm, or else the first key, which signs access tokens
  const place = at < 0 ? 0 : at
  const replaced = list[place] as KeyMaterial
  const following = list.map((key, n) => (n === place ? upcoming : key))
  const { next: _, ...kept } = keys
  const said =
    'The next key signs now, and the old one is retired. Remove it with --forget when its tokens have expired.'
  const now = Array.isArray(current) ? following : upcoming
  return { next: { ...kept, current: now, retired: [replaced, ...retired] }, said }
}

/** The algorithm of the current key. For an RSA key without `alg`, the host's options decide. */
function algorithmOf({ current }: SigningKeys, signer = 'ES256'): string {
  const [first] = [current].flat()
  const isSaid = typeof first === 'object' && 'alg' in first
  if (isSaid || signer === 'ES256') return signer
  throw misused('--algorithm is missing: the current key is an RSA key without alg. Name RS256, PS256 or ES256.')
}

/** Reads the host's keys: a set, or one private key as a JWK or PEM. */
function readKeys(source: string): { keys: SigningKeys; form: 'set' | 'JWK' | 'PEM' } {
  const text = readSecret('from', source).trim()
  if (text.startsWith('-----BEGIN ')) return { keys: { current: text }, form: 'PEM' }
  try {
    const given = JSON.parse(text) as SigningKeys | KeyMaterial
    if (typeof given === 'object' && given !== null) {
      if ('current' in given) return { keys: given as SigningKeys, form: 'set' }
      return { keys: { current: given as KeyMaterial }, form: 'JWK' }
    }
  } catch {
    // the parser's error would show the private key
  }
  throw new Refusal('--from: there is no JSON and no PEM. It is what `keys make` prints, or a private key.')
}

function ringOf(keys: SigningKeys) {
  try {
    return currentKeyRing('keys', keys)()
  } catch (error) {
    throw new Refusal(error instanceof TypeError ? error.message : 'The keys are none.')
  }
}
