/** `check URL`: examines a running server from outside and reports findings with their section. */
import { isLoopbackHost } from '../../rules/loopback'
import type { Call, Command } from '../call/call'
import { reasonOf } from '../call/reason'
import { exit, misused, Refusal } from '../call/refusal'
import { shown } from '../call/shown'
import { type KnownClient, lookAtAuthorization } from './authorization'
import { lookAtIntrospection, lookAtRegistration, lookAtRevocation, lookAtTokenEndpoint, looked } from './direct'
import { type Finding, type Findings, findings } from './finding'
import { endpointsOf, lookAtMetadata, type Metadata } from './metadata'
import { type Probe, probeOf } from './probe'
import { lookAtKeys } from './published-keys'

export const check: Command = {
  about: 'Look at a running server from outside, and say what a reviewer would.',
  details: [
    'Reads the metadata and its keys, and sends requests with made-up values: a few dozen, to that origin alone.',
    'It sends no credential and registers nothing. With a public client it tries out PKCE and redirect URIs, too.',
    'Problems and advice make the exit code 3; notes do not. It sees no more than a stranger: it is no proof.',
  ],
  values: ['URL'],
  options: {
    'client-id': { type: 'string', value: 'ID', words: 'a public client of the server' },
    'redirect-uri': { type: 'string', value: 'URI', words: 'one of its redirect URIs' },
    scope: { type: 'string', value: "'A B'", words: 'a scope that it may ask for, where it has no default' },
  },
  examples: [
    ['check https://auth.example.com', 'the issuer'],
    ['check http://127.0.0.1:3000 --client-id demo --redirect-uri http://127.0.0.1:3000/', 'the quickstart'],
    ['check https://auth.example.com --json | jq -r .id', 'what was found, for a script'],
  ],
  async run(call) {
    const issuer = issuerOf(call)
    const client = clientOf(call)
    const found = findings()
    const probe = probeOf(issuer)
    await lookAt(found, probe, { issuer, client, say: (line) => call.terminal.progress(line) })
    const all = found.all()
    for (const finding of all) await call.terminal.result(wordsOf(finding), finding)
    call.terminal.say(summary(all, probe))
    return all.some(({ level }) => level !== 'note') ? exit.findings : exit.done
  },
}

function issuerOf({ values: [url = ''] }: Call): string {
  const fix = 'The URL must be that of the issuer, such as https://auth.example.com, without query and fragment'
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url) || /[?#\s]/.test(url)) throw misused(`${fix}.`)
  const { username, password } = new URL(url)
  if (username || password) throw misused(`${fix}, and without a user or password: none is sent.`)
  return url
}

function clientOf(call: Call): KnownClient | undefined {
  const [clientId, redirectUri] = [call.text('client-id'), call.text('redirect-uri')]
  if ((clientId === undefined) !== (redirectUri === undefined)) {
    throw misused('--client-id and --redirect-uri belong together.')
  }
  if (clientId === undefined || redirectUri === undefined) return undefined
  if (!URL.canParse(redirectUri)) throw misused('--redirect-uri must be a URI.')
  return { clientId, redirectUri, scope: call.text('scope') }
}

interface Look {
  readonly issuer: string
  readonly client: KnownClient | undefined
  readonly say: (line: string) => void
}

async function lookAt(found: Findings, probe: Probe, { issuer, client, say }: Look): Promise<void> {
  const { protocol, hostname } = new URL(issuer)
  if (protocol === 'http:') {
    if (isLoopbackHost(hostname)) found.add('loopback', issuer)
    else found.add('issuer_http', issuer)
  }
  say('Metadata…')
  const metadata = await metadataOf(found, probe, issuer)
  if (protocol === 'https:' && (await probe.takesOldTls())) found.add('tls_old', probe.origin)
  if (!metadata) return
  const endpoints = endpointsOf(found, probe, metadata)
  const at = async (member: string, look: (url: string) => Promise<void>) => {
    const url = endpoints.get(member)
    if (url === undefined) return
    say(`${member}…`)
    await look(url)
  }
  await at('jwks_uri', async (url) => {
    const seen = await looked(found, probe, url)
    if (seen) lookAtKeys(found, seen)
  })
  await at('authorization_endpoint', (url) =>
    lookAtAuthorization(found, probe, { url, issuer: String(metadata.issuer), client }),
  )
  await at('token_endpoint', (url) => lookAtTokenEndpoint(found, probe, url))
  await at('introspection_endpoint', (url) => lookAtIntrospection(found, probe, url))
  await at('revocation_endpoint', (url) => lookAtRevocation(found, probe, url))
  await at('registration_endpoint', (url) => lookAtRegistration(found, probe, url))
}

async function metadataOf(found: Findings, probe: Probe, issuer: string): Promise<Metadata | undefined> {
  try {
    return await lookAtMetadata(found, probe, issuer)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(`${shown(probe.origin)} cannot be reached: ${shown(reasonOf(error))}`)
  } finally {
    const refused = probe.untrusted()
    if (refused !== undefined) found.add('tls_untrusted', `${probe.origin}: ${refused}`)
  }
}

function wordsOf({ level, id, says, seen, fix, section }: Finding): string {
  const lines = [`${level.padEnd(8)} ${says} [${id}]`, ...seen.map((place) => `         seen: ${shown(place)}`)]
  return [...lines, `         fix:  ${fix} ${section}`, ''].join('\n')
}

function summary(all: readonly Finding[], probe: Probe): string {
  const count = (level: Finding['level']) => all.filter((finding) => finding.level === level).length
  return `${count('problem')} problems, ${count('advice')} advice, ${count('note')} notes, by ${probe.count()} requests.`
}
