// The table in README.md, beside this file, and the files of this folder say the same.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const rows = readFileSync(`${__dirname}/README.md`, 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, row, , files] = /^\| (\d+) \| ([^|]+) \| ([^|]*) \|$/.exec(line) ?? []
    return row === undefined ? [] : [{ row: Number(row), files: files ?? '' }]
  })
const named = (files: string) => [...files.matchAll(/`([^`]+)\.test\.ts`/g)].map(([, name]) => `${name}.test.ts`)
const inFolder = readdirSync(__dirname).filter((name) => name.endsWith('.test.ts'))

it('the table has each row once, in order, without a gap', () => {
  expect(rows.map(({ row }) => row)).toEqual(rows.map((_, index) => index + 1))
  expect(rows.length).toBeGreaterThanOrEqual(60)
})

it('a row names its tests, or says that there is no such capability', () => {
  for (const { row, files } of rows)
    expect([row, files]).toEqual([row, expect.stringMatching(/`.+\.test\.ts`|^no such capability$/)])
})

it('each file that the table names exists', () => {
  const text = readFileSync(`${__dirname}/README.md`, 'utf8')
  expect(named(text).filter((name) => !existsSync(join(__dirname, name)))).toEqual([])
})

it('each file of the folder is in the table, in the row of its number', () => {
  const withoutNumber = named(readFileSync(`${__dirname}/README.md`, 'utf8'))
  for (const file of inFolder) {
    const number = /^(\d\d)-/.exec(file)?.[1]
    const places = number === undefined ? withoutNumber : named(rows[Number(number) - 1]?.files ?? '')
    expect(places).toContain(file)
  }
})
