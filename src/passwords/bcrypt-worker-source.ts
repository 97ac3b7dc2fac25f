/**
 * The program of a bcrypt worker, as text: a bundler puts text into its bundle, and leaves behind a file that is only named.
 * In the package this text is the whole of `bcrypt-worker.js` with bcryptjs in it (`.scripts/build.js`); here it loads both.
 */
import { join } from 'node:path'

export const workerSource = `require(${JSON.stringify(join(__dirname, 'bcrypt-worker.js'))})`
