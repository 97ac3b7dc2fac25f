/** bcrypt in a thread of its own: bcryptjs blocks the loop that it runs on. Answers carry no secret, errors neither. */
const { parentPort } = require('node:worker_threads')
const { compareSync, hashSync } = require('bcryptjs')

/** @typedef {{ id: number, secret: string, hash: string } | { id: number, secret: string, cost: number }} Job */

parentPort?.on('message', (/** @type {Job} */ job) => {
  const { id, secret } = job
  try {
    const result = 'hash' in job ? compareSync(secret, job.hash) : hashSync(secret, job.cost)
    parentPort?.postMessage({ id, result })
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? error.message : 'bcrypt failed' })
  }
})
