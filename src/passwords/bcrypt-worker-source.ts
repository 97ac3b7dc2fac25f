/**
 * The program of a bcrypt worker, as text: bundlers include text, but not a file that is only named. In the package
 * this text is the whole `bcrypt-worker.js` with bcryptjs (`.scripts/build.js`); here it loads both.
 */
import { join } from 'node:path'

export const workerSource = `require(${JSON.stringify(join(__dirname, 'bcrypt-worker.js'))})`
