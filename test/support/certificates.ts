/** Certificates of clients, by the openssl command: of an authority of the test, or self-signed. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509Certificate } from '../../src/crypto'

export interface TestCertificate {
  key: string
  /** PEM. */
  cert: string
  /** RFC 7517 §4.7: as it stands in `x5c`. */
  x5c: string
  /** RFC 8705 §3.1: `x5t#S256`. */
  thumbprint: string
  /** Where certificate and key are, for other processes. They are removed with the test. */
  certFile: string
  keyFile: string
  /** The public key, with the certificate (RFC 7517 §4.7). */
  jwk: Record<string, unknown>
  x509: X509Certificate
}

interface CertificateOptions {
  /** As openssl has it. @default '/CN=client' */
  subject?: string
  /** Subject alternative names: `DNS:client.example,URI:https://client.example/`. @default none */
  names?: string
  /** Who issues it. @default itself */
  by?: TestCertificate
  days?: number
  /** More arguments of `openssl req`. */
  more?: readonly string[]
}

const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

export function certificate(options: CertificateOptions = {}): TestCertificate {
  const { subject = '/CN=client', names, by, days = 3650, more = [] } = options
  const base = join(folder, String(++made))
  const [keyFile, certFile, settings] = [`${base}.key`, `${base}.pem`, `${base}.cnf`]
  writeFileSync(settings, '[req]\ndistinguished_name=dn\nstring_mask=utf8only\nutf8=yes\n[dn]\n')
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(days)]
  const said = [
    '-config',
    settings,
    '-utf8',
    '-subj',
    subject,
    ...(names ? ['-addext', `subjectAltName=${names}`] : []),
  ]
  const issuer = by ? ['-CA', by.certFile, '-CAkey', by.keyFile] : []
  const files = ['-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', ...kind, ...said, ...issuer, ...files, ...more], { stdio: 'pipe' })
  return read(keyFile, certFile)
}

function read(keyFile: string, certFile: string): TestCertificate {
  const cert = readFileSync(certFile, 'utf8')
  const x509 = new X509Certificate(cert)
  const x5c = x509.raw.toString('base64')
  return {
    key: readFileSync(keyFile, 'utf8'),
    cert,
    x5c,
    thumbprint: Buffer.from(x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
    certFile,
    keyFile,
    jwk: { ...x509.publicKey.export({ format: 'jwk' }), x5c: [x5c] },
    x509,
  }
}

/** As nginx writes it into a header: `$ssl_client_escaped_cert`. */
export const inHeader = ({ cert }: Pick<TestCertificate, 'cert'>) => encodeURIComponent(cert)

export const authority = (name = 'Test CA') =>
  certificate({ subject: `/CN=${name}`, more: ['-addext', 'basicConstraints=critical,CA:TRUE'] })
