// Stryker's reporter: each mutant as a line of reports/mutation/tested.jsonl as soon as it is tested, so that a run that was
// ended early has said what it found. `node test/mutation/reporter.js` sums the file up.
const { appendFileSync, existsSync, mkdirSync, readFileSync } = require('node:fs')
const { join, relative } = require('node:path')

const folder = join('reports', 'mutation')
const file = join(folder, 'tested.jsonl')

class LineReporter {
  /** @param {any} mutant */
  onMutantTested({ fileName, location, mutatorName, replacement, status }) {
    mkdirSync(folder, { recursive: true })
    const place = `${relative(process.cwd(), fileName)}:${location.start.line}:${location.start.column}`
    appendFileSync(file, `${JSON.stringify({ place, mutatorName, replacement, status })}\n`)
  }
}

exports.strykerPlugins = [{ kind: 'Reporter', name: 'lines', injectableClass: LineReporter }]

if (require.main === module) {
  if (!existsSync(file)) throw new Error(`There is no ${file}: npm run mutation`)
  /** The last word on each mutant. @type {Map<string, any>} */
  const mutants = new Map()
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const mutant = JSON.parse(line)
    mutants.set(`${mutant.place} ${mutant.mutatorName} ${mutant.replacement}`, mutant)
  }
  /** @type {Map<string, { noticed: number, all: number }>} */
  const folders = new Map()
  for (const { place, mutatorName, replacement, status } of mutants.values()) {
    if (status === 'Ignored' || status.endsWith('Error')) continue
    const isNoticed = status === 'Killed' || status === 'Timeout'
    if (!isNoticed) console.log(`${status} ${place} ${mutatorName} ${String(replacement).split('\n')[0]}`)
    for (const name of [place.split(':')[0].split('/').slice(0, 2).join('/'), 'all']) {
      const { noticed, all } = folders.get(name) ?? { noticed: 0, all: 0 }
      folders.set(name, { noticed: noticed + (isNoticed ? 1 : 0), all: all + 1 })
    }
  }
  for (const [name, { noticed, all }] of folders) {
    console.log(`${name}: ${noticed} of ${all} noticed, ${((noticed / all) * 100).toFixed(1)} %`)
  }
}
