/** TLS for an example: what FAPI 2.0 asks of it, and a certificate for loopback, made at each start. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ServerOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of TLS 1.2 those that RFC 9325 §4.2 recommends. Node turns TLS 1.3 off where a list names none of its own. */
const ciphers = [
  ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
].join(':')

/** The options of `https.createServer`. In production key and certificate are files that your certificate authority renews. */
export function tlsOptions({ key, cert }: Pick<Certificate, 'key' | 'cert'>): ServerOptions {
  return { key, cert, minVersion: 'TLSv1.2', ciphers, honorCipherOrder: true }
}

export interface Certificate {
  key: string
  cert: string
  /** Where the certificate is, for curl and for other processes. It is removed with this process. */
  file: string
}

/** A certificate for 127.0.0.1, by the openssl command. Its key is read and leaves the disk at once. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'oauth-example-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '7']
  try {
    execFileSync('openssl', ['req', '-x509', ...kind, ...name, '-keyout', keyFile, '-out', file], { stdio: 'pipe' })
  } catch (cause) {
    throw new Error('This example needs the openssl command, which makes its certificate', { cause })
  }
  const key = readFileSync(keyFile, 'utf8')
  rmSync(keyFile)
  return { key, cert: readFileSync(file, 'utf8'), file }
}
