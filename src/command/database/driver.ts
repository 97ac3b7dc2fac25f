/** Database drivers: packages of the host, loaded when a command needs one. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Refusal } from '../call/refusal'

/** First beside this package, then in the folder where the command was started. */
const places = [__filename, join(process.cwd(), 'package.json')]

/** Loads the package, or says what to install. */
export function loadDriver<Driver>(name: string, database: string): Driver {
  for (const place of places) {
    const load = createRequire(place)
    try {
      return load(name) as Driver
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // an installed driver that fails to load, such as a binary for another Node, reports why
      const isMissing = code === 'MODULE_NOT_FOUND' && message.includes(`'${name}'`)
      if (!isMissing) throw new Refusal(`The package ${name} cannot be loaded: ${message.split('\n')[0]}`)
    }
  }
  const [packageName] = name.split('/')
  throw new Refusal(`${database} needs the package ${packageName}, which is not installed: npm install ${packageName}`)
}
