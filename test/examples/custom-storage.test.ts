import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageContract } from 'express-authorization-server/storage-contract'
import { customStorage } from '../../examples/storage-adapter/custom-storage'

const folder = mkdtempSync(join(tmpdir(), 'custom-storage-'))
let files = 0

storageContract({
  describe,
  test,
  create() {
    const file = join(folder, `${files++}.db`)
    return [customStorage(file), customStorage(file)]
  },
})
afterAll(() => rmSync(folder, { recursive: true }))
