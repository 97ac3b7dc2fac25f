// examples/symptoms/README.md: every event, warning and TypeError that a host can cause is there, with why and the fix.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withMessages } from '../../.scripts/docs-symptoms'

const root = join(__dirname, '../..')
const page = readFileSync(join(root, 'examples/symptoms/README.md'), 'utf8')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(root, 'src', name), 'utf8') }))
const named = sources.find(({ name }) => name === join('options', 'misuse.ts'))?.text ?? ''
const codes = [...named.matchAll(/^ {2}\| '([a-z_]+)'$/gm)].map(([, code]) => code as string)
const [warnings = '', events = ''] = readFileSync(join(root, 'src/types/events.ts'), 'utf8').split(
  'export type AuthorizationServerEvent',
)

/** The rows of the table below a heading: a name, and two more cells. */
function rowsOf(heading: string): string[] {
  const [, section = ''] = new RegExp(`\n## ${heading}\n([\\s\\S]*?)\n## `).exec(page) ?? []
  return [...section.matchAll(/^\| `([a-z_.]+)` \| [^|]+ \| [^|]+ \|$/gm)].map(([, name]) => name as string)
}

it('has every warning, and no others', () => {
  const codes = [...warnings.matchAll(/^ {2}\| '([a-z_]+)'$/gm)].map(([, code]) => code as string)
  expect(codes.length).toBeGreaterThan(15)
  expect(rowsOf('Warnings').sort()).toEqual(codes.sort())
})

it('has every event, and no others', () => {
  const types = [...events.matchAll(/\btype: ((?:'[a-z_.]+'(?: \| )?)+)/g)].flatMap(([, union = '']) =>
    [...union.matchAll(/'([^']+)'/g)].map(([, type]) => type as string),
  )
  expect(types.length).toBeGreaterThan(20)
  expect(rowsOf('Events').sort()).toEqual(types.sort())
})

it('has every TypeError, and no others: `npm run docs:symptoms` writes them', () => {
  expect(page).toBe(withMessages())
})

it('leaves out none that can be read in the source as it stands', () => {
  const plain = sources.flatMap(({ text }) =>
    [...text.matchAll(/misuse\(\s*'\w+',\s*(?:'([^'\n]+)'|"([^"\n]+)"),?\s*[,)]/g)].map(
      ([, one, other]) => one ?? other,
    ),
  )
  expect(plain.length).toBeGreaterThan(60)
  expect(plain.filter((text) => !page.includes(`\n- \`${text}\`\n`))).toEqual([])
})

it('knows no TypeError without a code', () => {
  const bare = sources.filter(({ text }) => /\bTypeError\(/.test(text)).map(({ name }) => name)
  expect(bare).toEqual([join('options', 'misuse.ts')])
})

describe('every code of a TypeError', () => {
  const [table = '', ...sections] = (page.split('\n## TypeErrors\n')[1] as string).split('\n### ')

  it('has a section and a link to it, and no others are there', () => {
    expect(codes.length).toBeGreaterThan(25)
    const linked = [...table.matchAll(/\[`([a-z_]+)`\]\(#([a-z_]+)\)/g)].map(([, code, anchor]) => [code, anchor])
    expect(linked).toEqual(codes.map((code) => [code, code]))
    expect(sections.map((section) => /^([a-z_]+)\n/.exec(section)?.[1])).toEqual(codes)
  })

  it('is no error code that a client can get: the two cannot be mixed up', () => {
    const wire = sources.find(({ name }) => name === 'errors.ts')?.text ?? ''
    expect(codes.filter((code) => new RegExp(`^ {2}${code}: \\d`, 'm').test(wire))).toEqual([])
  })

  it.each(sections.map((section) => [section.split('\n')[0], section]))(
    'says why, and the fix: %s',
    (code, section) => {
      const [, why = '', fix = '', marker, lists = ''] =
        /\n\nWhy: (.+)\nFix: (.+)\n\n<!-- messages of (\w+) -->\n((?:- `.+`\n)+)<!-- end -->/.exec(section) ?? []
      expect(lists).not.toBe('')
      expect(marker).toBe(code)
      for (const sentence of `${why} ${fix}`.split(/[.?!] /))
        expect(sentence.split(/\s+/).length).toBeLessThanOrEqual(20)
    },
  )
})
