import { storageContract } from '../../src/storage/contract'
import { memoryStorage } from '../../src/storage/memory'

describe('memoryStorage', () => {
  storageContract({ describe, test, create: memoryStorage })
})
