// What is counted of guesses is kept for an hour: whoever makes up client ids must not fill the memory faster than secrets
// can be looked at.
import { hash } from 'bcryptjs'
import { compareSecret } from '../../src/passwords/bcrypt'
import type { Attempt } from '../../src/types/attempts'
import { createHost, paths } from '../support/host'

it('an attempt that is refused because too many are waiting is not counted', async () => {
  const taken: Attempt[] = []
  const take = (attempt: Attempt) => {
    taken.push(attempt)
    return { succeed: () => {} }
  }
  const host = await createHost({ throttle: { take } })
  const attempt = (id: string) => {
    const parameters = { grant_type: 'client_credentials', client_id: id, client_secret: 'guess' }
    return host.send(paths.token, undefined, parameters)
  }
  const cheap = await hash('secret', 4)
  let flooding = true
  const flood = async (): Promise<void> => {
    while (flooding) await compareSecret('secret', cheap, '127.0.0.1')
  }
  const others = Array.from({ length: 1100 }, () => flood().catch(() => {}))
  const refused = await Promise.all(['a', 'b', 'c'].map(attempt))
  expect(refused.map(({ status }) => status)).toEqual([503, 503, 503])
  expect(taken).toEqual([])
  flooding = false
  await Promise.all(others)
  expect((await attempt('d')).status).toBe(401)
  expect(taken).toEqual([expect.objectContaining({ account: 'd' })])
})
