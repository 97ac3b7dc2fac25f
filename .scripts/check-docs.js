// Part of `npm run docs`: every link, picture and anchor of the site leads to something that is there.
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const { dirname, join, resolve } = require('node:path')

const site = resolve(process.argv[2] ?? join(__dirname, '..', 'docs'))
const pages = readdirSync(site, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.html'))
  .map((name) => join(site, name))
const texts = new Map(pages.map((page) => [page, readFileSync(page, 'utf8')]))
const idsOf = new Map(
  [...texts].map(([page, text]) => [page, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
)

const dead = []
let links = 0
for (const [page, text] of texts) {
  for (const [, link = ''] of text.matchAll(/ (?:href|src|srcset)="([^"]*)"/g)) {
    if (/^[a-z]+:/.test(link)) continue
    links++
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : join(dirname(page), decodeURIComponent(path))
    const ids = idsOf.get(target)
    const isThere = existsSync(target) && (!anchor || !ids || ids.has(decodeURIComponent(anchor)))
    if (!isThere) dead.push(`${page.slice(site.length + 1)}: ${link}`)
  }
}
for (const line of new Set(dead)) console.error(`dead link: ${line}`)
console.log(`${pages.length} pages, ${links} links, ${new Set(dead).size} dead`)
if (dead.length > 0 || pages.length === 0) process.exitCode = 1
