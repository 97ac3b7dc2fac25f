// Adapters as they are written in a hurry, each with one mistake.
import { clientMistakes } from './clients'
import { columnMistakes } from './columns'
import { expiryMistakes } from './expiry'
import { insertMistakes } from './insert'
import { listMistakes } from './lists'
import type { NaiveAdapter } from './naive'
import { revocationMistakes } from './revocation'
import { sharedGrantMistakes } from './shared-grants'
import { transitionMistakes } from './transition'
import { valueMistakes } from './values'

export const naiveAdapters: NaiveAdapter[] = [
  ...clientMistakes,
  ...insertMistakes,
  ...transitionMistakes,
  ...revocationMistakes,
  ...sharedGrantMistakes,
  ...expiryMistakes,
  ...listMistakes,
  ...valueMistakes,
  ...columnMistakes,
]
