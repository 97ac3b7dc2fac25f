/** The key file: readable only for its user, and replaced atomically with the same owner. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { newGrantId } from '../crypto'
import type { SigningKeys } from '../jwt/key-ring'
import type { Call } from './call/call'
import { finished } from './call/interruption'
import { exit, misused, Refusal } from './call/refusal'

/** In one step: if the process ends, there is the old file or the new one. */
export async function written(call: Call, named: string, keys: SigningKeys, how: 'new' | 'replaced'): Promise<void> {
  if (how === 'new' && existsSync(named)) throw misused('--out: the file exists. Choose another one, or rotate it.')
  // a link stays: its target is replaced
  const file = how === 'new' ? named : realpathSync(named)
  const temporary = join(dirname(file), `.${basename(file)}.${newGrantId()}`)
  await finished(async () => {
    try {
      // unreadable for others before it has its owner
      writeFileSync(temporary, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
      if (how === 'replaced') {
        giveTo(temporary, statSync(file))
        return renameSync(temporary, file)
      }
      // fails if another process was faster; a rename would replace its file
      linkSync(temporary, file)
      unlinkSync(temporary)
    } catch (cause) {
      try {
        unlinkSync(temporary)
      } catch {
        // it never existed
      }
      if (cause instanceof Refusal) throw cause
      throw new Refusal(`The keys cannot be written (${(cause as NodeJS.ErrnoException).code}).`, exit.failed, {
        cause,
      })
    }
  })
  call.terminal.say(
    `The keys are in the file, which ${how === 'new' ? 'only you can read' : 'was replaced in one step'}.`,
  )
}

/**
 * A server that reads the old file must be able to read the new one: the same owner, group and mode, whatever the
 * umask.
 */
function giveTo(file: string, { uid, gid, mode }: Stats): void {
  const made = statSync(file)
  try {
    if (made.uid !== uid || made.gid !== gid) chownSync(file, uid, gid)
    chmodSync(file, mode & 0o777)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'EPERM') throw cause
    const fix = 'run it as the owner of the file, or as root'
    throw new Refusal(
      `The keys were not changed, for the new file would have another owner or group: ${fix}.`,
      exit.failed,
      { cause },
    )
  }
}
