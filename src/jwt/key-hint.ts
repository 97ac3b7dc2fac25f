/** Describes what is wrong with a key, for typical mistakes with PEM text. Never contains the value. */
import { kindOf } from '../options/known'

/** The hint in words, for an error: what was given, and what to write. */
export function hintFor(material: unknown): string {
  if (typeof material !== 'string') return `, not ${kindOf(material)}`
  if (material.includes('\\n')) {
    return ". Its line breaks came as a backslash and an n: use key.replaceAll('\\\\n', '\\n')"
  }
  if (material.trimStart().startsWith('{')) return '. A JWK as text needs JSON.parse'
  if (!material.includes('-----BEGIN')) {
    return ". The text has no -----BEGIN line. Of a file, pass the content: fs.readFileSync(path, 'utf8')"
  }
  if (!material.includes('-----END')) return '. The PEM text is cut off: it has no -----END line'
  if (!material.trim().includes('\n')) return '. The PEM text has lost its line breaks'
  return /ENCRYPTED/.test(material) ? '. It is encrypted: pass createPrivateKey({ key, passphrase })' : ''
}
