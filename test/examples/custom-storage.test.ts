import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageContract } from 'express-authorization-server/storage-contract'
import { describeBetterSqlite3 } from '../storage/support/sqlite'

const folder = mkdtempSync(join(tmpdir(), 'custom-storage-'))
let files = 0

describeBetterSqlite3('the adapter written by hand', () => {
  const { customStorage } = jest.requireActual<typeof import('../../examples/storage-adapter/custom-storage')>(
    '../../examples/storage-adapter/custom-storage',
  )
  storageContract({
    describe,
    test,
    create() {
      const file = join(folder, `${files++}.db`)
      return [customStorage(file), customStorage(file)]
    },
  })
})
afterAll(() => rmSync(folder, { recursive: true }))
