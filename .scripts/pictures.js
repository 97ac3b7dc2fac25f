// `node .scripts/pictures.js` makes the pictures of the developer and administrator pages in examples/pictures/, in light and
// dark: a page on a desktop and one on a phone, side by side. It starts the examples itself, and Debian's Chromium. `pngquant`
// makes them small afterwards.
const { join, resolve } = require('node:path')
const { chromium } = require('playwright-core')
require('tsx/cjs/api').register()

const root = resolve(__dirname, '..')
const folder = join(root, 'examples/pictures')
const { listen } = require('../examples/shared/start')
const administration = require('../examples/administration/administration')
const developers = require('../examples/developer-portal/developer-portal')

/** @typedef {import('playwright-core').Page} Page */

/** Makes two apps and a token, and gives the path of the first. @param {Page} page @param {string} pages */
async function fill(page, pages) {
  const apps = [
    ['web', 'Photo Printer', 'https://printer.example/callback'],
    ['mobile', 'Field Notes', 'com.example.notes:/callback'],
  ]
  let path = ''
  for (const [kind, name = '', uri = ''] of apps) {
    await page.goto(`${pages}?page=new&kind=${kind}`)
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Redirect URIs').fill(uri)
    await page.getByLabel('Read your notes').check()
    await page.getByRole('button', { name: 'Create app' }).click()
    path ||= (await page.getByRole('link', { name: 'Back' }).getAttribute('href')) ?? ''
  }
  await page.goto(`${pages}?page=new-token`)
  await page.getByLabel('Name', { exact: true }).fill('Backup script')
  await page.getByLabel('Read your notes').check()
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByRole('link', { name: 'Back' }).waitFor()
  return path
}

/** What each picture shows: the pages on a desktop and on a phone. */
const subjects = {
  developer: {
    createApp: developers.createApp,
    at: '/developer',
    heading: 'Your apps',
    /** @param {Page} page @param {string} pages */
    shown: async (page, pages) => [await fill(page, pages), '?page=tokens'],
  },
  admin: {
    createApp: administration.createApp,
    at: '/admin/oauth',
    heading: 'Apps',
    shown: async () => ['?client=printer', ''],
  },
}

/**
 * @param {import('playwright-core').Browser} browser @param {keyof typeof subjects} name @param {string} issuer
 * @param {'light' | 'dark'} colorScheme
 */
async function take(browser, name, issuer, colorScheme) {
  const { at, heading, shown } = subjects[name]
  const pages = `${issuer}${at}`
  const context = await browser.newContext({ colorScheme, locale: 'en', viewport: { width: 760, height: 760 } })
  const page = await context.newPage()
  await page.goto(pages)
  await page.getByLabel('User name').fill('ada')
  await page.getByLabel('Password').fill('analytical engine')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: heading }).first().waitFor()
  const [first, second] = await shown(page, pages)
  await page.goto(`${pages}${first}`)
  const desktop = await page.screenshot()
  await page.setViewportSize({ width: 360, height: 760 })
  await page.goto(`${pages}${second}`)
  const phone = await page.screenshot()
  // another page: the policy of ours keeps such images out
  const sheet = await context.newPage()
  await sheet.setViewportSize({ width: 1180, height: 800 })
  const images = [desktop, phone].map((image) => `<img src="data:image/png;base64,${image.toString('base64')}">`)
  const style = `body{margin:0;padding:20px;display:flex;gap:20px;background:${colorScheme === 'dark' ? '#0f1116' : '#f3f4f7'}}`
  await sheet.setContent(`<style>${style}</style>${images.join('')}`)
  await sheet.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) })
  await context.close()
}

async function main() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] })
  try {
    for (const name of /** @type {const} */ (['developer', 'admin'])) {
      for (const theme of /** @type {const} */ (['light', 'dark'])) {
        // each time anew, with nothing but what is in the picture
        const app = await listen(subjects[name].createApp)
        await take(browser, name, app.issuer, theme)
        await app.close()
      }
    }
  } finally {
    await browser.close()
  }
}

void main()
