// What no Express route goes below: the bytes of a form are received and not looked at, and a constant is answered in one
// piece. What a server costs beyond this is its own work.
const { load } = require('./common')
const bare = require('./bare')

const express = load('express')

async function start() {
  const app = express()
  const body = JSON.stringify({
    access_token: `${'x'.repeat(24)}.${'y'.repeat(43)}`,
    token_type: 'Bearer',
    scope: 'read',
  })
  const answer = (/** @type {any} */ res) => {
    res.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      'Cache-Control': 'no-store',
    })
    res.end(body)
  }
  app.use('/token', (/** @type {any} */ req, /** @type {any} */ res) => {
    req.on('data', () => {}).on('end', () => answer(res))
  })
  app.get('/read', (/** @type {any} */ _req, /** @type {any} */ res) => answer(res))
  return { ...(await bare.start()), app }
}

module.exports = { start }
