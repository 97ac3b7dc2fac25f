// The life of grants against a small model: whatever is done, in whatever order and at whatever time, what lives is what
// the model says, and nothing else.
import fc from 'fast-check'
import { revokeGrants, verifyAccessToken } from '../../src/index'
import { runs } from '../support/fuzz'
import { createHost, type Host, type Tokens } from '../support/host'

const CODE_SECONDS = 60
const ACCESS_SECONDS = 3600
const REFRESH_SECONDS = 14 * 24 * 3600
const REPLAY_SECONDS = 60

/** What the model knows of one generation of tokens. */
interface Generation {
  scope: string
  issuedAt: number
  accessRevoked: boolean
}

interface SessionModel {
  startedAt: number
  used: boolean
  dead: boolean
  generations: Generation[]
}

interface Model {
  now: number
  /** Everything of the user that began until then is revoked. */
  mark: number
  sessions: SessionModel[]
}

/** What the real server handed out for one session. */
interface Held {
  code: string
  tokens: Tokens[]
}

/** By the same indices as in the model. */
interface Real {
  host: Host
  sessions: Held[]
}

type Command = fc.AsyncCommand<Model, Real>

const isDead = (model: Model, session: SessionModel) => session.dead || session.startedAt <= model.mark
const latest = (session: SessionModel) => session.generations.length - 1

/** Tokens of a grant alternate between two rows: the latest two generations live, until they expire. */
function accessLives(model: Model, session: SessionModel, n: number): boolean {
  const { issuedAt, accessRevoked } = session.generations[n] as Generation
  return !isDead(model, session) && !accessRevoked && n >= latest(session) - 1 && model.now < issuedAt + ACCESS_SECONDS
}

function refreshOutcome(
  model: Model,
  session: SessionModel,
  n: number,
  asked?: string,
): 'next' | 'same' | 'scope' | 'reuse' | 'no' {
  const current = session.generations[latest(session)] as Generation
  if (isDead(model, session) || model.now >= current.issuedAt + REFRESH_SECONDS) return 'no'
  const isPrevious = n === latest(session) - 1
  if (isPrevious && model.now - current.issuedAt < REPLAY_SECONDS)
    return (asked ?? 'read write') === current.scope ? 'same' : 'scope'
  return n === latest(session) ? 'next' : 'reuse'
}

const lives = (host: Host, tokens: Tokens) =>
  verifyAccessToken(host.server, tokens.access_token).then(
    () => true,
    () => false,
  )

/** A command about one session; it is only run where there is one that fits. */
abstract class AboutSession implements Command {
  constructor(
    private readonly pick: number,
    protected readonly back = 0,
  ) {}
  protected fits(_session: SessionModel, _model: Readonly<Model>): boolean {
    return true
  }
  protected index(model: Readonly<Model>): number {
    const fitting = model.sessions.flatMap((session, n) => (this.fits(session, model) ? [n] : []))
    return fitting.length === 0 ? -1 : (fitting[this.pick % fitting.length] as number)
  }
  check(model: Readonly<Model>): boolean {
    return this.index(model) >= 0
  }
  async run(model: Model, real: Real): Promise<void> {
    const n = this.index(model)
    await this.act(model, model.sessions[n] as SessionModel, real.sessions[n] as Held, real.host)
  }
  /** A new generation of tokens came of it. */
  protected received(model: Model, session: SessionModel, held: Held, body: Tokens, scope = 'read write') {
    session.generations.push({ scope, issuedAt: model.now, accessRevoked: false })
    held.tokens.push(body)
  }
  abstract act(model: Model, session: SessionModel, held: Held, host: Host): Promise<void>
  toString(): string {
    return `${this.constructor.name}(${this.pick}, ${this.back})`
  }
}

abstract class WithTokens extends AboutSession {
  protected override fits(session: SessionModel): boolean {
    return session.generations.length > this.back
  }
}

class Authorize implements Command {
  check = () => true
  async run(model: Model, real: Real): Promise<void> {
    real.sessions.push({ code: await real.host.code(real.host.native), tokens: [] })
    model.sessions.push({ startedAt: model.now, used: false, dead: false, generations: [] })
  }
  toString = () => 'Authorize()'
}

class Exchange extends AboutSession {
  protected override fits(session: SessionModel): boolean {
    return !session.used
  }
  async act(model: Model, session: SessionModel, held: Held, { exchange, native }: Host) {
    const answer = await exchange(native, held.code)
    const works = !isDead(model, session) && model.now < session.startedAt + CODE_SECONDS
    expect(answer.status).toBe(works ? 200 : 400)
    if (!works) return
    session.used = true
    this.received(model, session, held, answer.body)
  }
}

class ExchangeInParallel extends Exchange {
  override async act(model: Model, session: SessionModel, held: Held, host: Host) {
    const answers = await Promise.all([1, 2, 3, 4].map(() => host.exchange(host.native, held.code)))
    const winners = answers.filter(({ status }) => status === 200)
    const works = !isDead(model, session) && model.now < session.startedAt + CODE_SECONDS
    expect(winners).toHaveLength(works ? 1 : 0)
    if (!works) return
    session.used = true
    this.received(model, session, held, winners[0]?.body)
    // one that came when the code was used already was a replay, which ends the grant: by the book, and told by the events
    const [winner] = winners
    if (winner && !(await lives(host, winner.body))) session.dead = true
  }
}

class ExchangeWithoutVerifier extends AboutSession {
  protected override fits(session: SessionModel): boolean {
    return !session.used
  }
  async act(_model: Model, _session: SessionModel, held: Held, { exchange, native }: Host) {
    for (const code_verifier of [undefined, 'a'.repeat(43)]) {
      expect((await exchange(native, held.code, { code_verifier })).status).toBe(400)
    }
  }
}

class ReplayCode extends AboutSession {
  protected override fits(session: SessionModel, model: Readonly<Model>): boolean {
    // later the row of a used code may have been swept, and then nothing is told by it
    return session.used && model.now < session.startedAt + ACCESS_SECONDS
  }
  async act(_model: Model, session: SessionModel, held: Held, { exchange, native }: Host) {
    expect((await exchange(native, held.code)).status).toBe(400)
    session.dead = true
  }
}

class Refresh extends WithTokens {
  constructor(
    pick: number,
    back: number,
    private readonly scope?: 'read',
  ) {
    super(pick, back)
  }
  async act(model: Model, session: SessionModel, held: Held, { refresh, native }: Host) {
    const n = latest(session) - this.back
    const outcome = refreshOutcome(model, session, n, this.scope)
    const answer = await refresh(native, (held.tokens[n] as Tokens).refresh_token, { scope: this.scope })
    expect([outcome, answer.status]).toEqual([outcome, outcome === 'next' || outcome === 'same' ? 200 : 400])
    if (outcome === 'scope') expect(answer.body.error).toBe('invalid_scope')
    if (outcome === 'reuse') session.dead = true
    if (outcome === 'same') {
      const { access_token, refresh_token } = held.tokens.at(-1) as Tokens
      expect(answer.body).toMatchObject({ access_token, refresh_token })
    }
    if (outcome !== 'next') return
    this.received(model, session, held, answer.body, this.scope)
  }
}

class RefreshInParallel extends WithTokens {
  async act(model: Model, session: SessionModel, held: Held, { refresh, native }: Host) {
    const n = latest(session)
    const outcome = refreshOutcome(model, session, n)
    const answers = await Promise.all([1, 2, 3, 4].map(() => refresh(native, (held.tokens[n] as Tokens).refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual(Array(4).fill(outcome === 'next' ? 200 : 400))
    if (outcome !== 'next') return
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    this.received(model, session, held, answers[0]?.body)
  }
}

class RefreshWhileRevoking extends WithTokens {
  async act(model: Model, session: SessionModel, held: Held, { refresh, revoke, native }: Host) {
    const { refresh_token } = held.tokens[latest(session)] as Tokens
    const [answer, logout] = await Promise.all([refresh(native, refresh_token), revoke(native, refresh_token)])
    expect(logout.status).toBe(200)
    session.dead = true
    if (answer.status !== 200) return
    this.received(model, session, held, answer.body)
  }
}

class RevokeAccess extends WithTokens {
  async act(_model: Model, session: SessionModel, held: Held, { revoke, native }: Host) {
    const n = latest(session) - this.back
    await revoke(native, (held.tokens[n] as Tokens).access_token).expect(200)
    ;(session.generations[n] as Generation).accessRevoked = true
  }
}

class RevokeRefresh extends WithTokens {
  async act(_model: Model, session: SessionModel, held: Held, { revoke, native }: Host) {
    await revoke(native, (held.tokens[latest(session) - this.back] as Tokens).refresh_token).expect(200)
    session.dead = true
  }
}

class RevokeGrant extends AboutSession {
  async act(_model: Model, session: SessionModel, held: Held, { server }: Host) {
    await revokeGrants(server, { grantId: held.code.slice(0, held.code.indexOf('~')) })
    session.dead = true
  }
}

class RevokeUser implements Command {
  check = () => true
  async run(model: Model, { host }: Real): Promise<void> {
    await revokeGrants(host.server, { userId: 'alice' })
    model.mark = model.now
  }
  toString = () => 'RevokeUser()'
}

class Wait implements Command {
  constructor(private readonly seconds: number) {}
  check = () => true
  async run(model: Model, { host }: Real): Promise<void> {
    host.clock.advance(this.seconds)
    model.now += this.seconds
  }
  toString = () => `Wait(${this.seconds})`
}

/** Every access token that was ever handed out lives exactly if the model says so, with its scope. */
async function compare(model: Model, { host, sessions }: Real): Promise<void> {
  for (const [s, session] of model.sessions.entries()) {
    for (const [n, { scope }] of session.generations.entries()) {
      const { access_token } = (sessions[s] as Held).tokens[n] as Tokens
      const found = await verifyAccessToken(host.server, access_token).then(
        (token) => token.scope.join(' '),
        () => 'dead',
      )
      expect({ s, n, found }).toEqual({ s, n, found: accessLives(model, session, n) ? scope : 'dead' })
    }
  }
}

class Compare implements Command {
  check = () => true
  run = compare
  toString = () => 'Compare()'
}

it('a grant lives and dies as the model says, whatever is done with it', async () => {
  const pick = fc.nat(5)
  const commands = fc.commands(
    [
      fc.constant(new Authorize()),
      pick.map((n) => new Exchange(n)),
      pick.map((n) => new ExchangeInParallel(n)),
      pick.map((n) => new ExchangeWithoutVerifier(n)),
      pick.map((n) => new ReplayCode(n)),
      fc.tuple(pick, fc.constantFrom(0, 0, 0, 1, 1, 2)).map(([n, back]) => new Refresh(n, back)),
      fc.tuple(pick, fc.constantFrom(0, 1)).map(([n, back]) => new Refresh(n, back, 'read')),
      pick.map((n) => new Refresh(n, 0)),
      pick.map((n) => new RefreshInParallel(n)),
      pick.map((n) => new RefreshWhileRevoking(n)),
      fc.tuple(pick, fc.nat(2)).map(([n, back]) => new RevokeAccess(n, back)),
      fc.tuple(pick, fc.nat(3)).map(([n, back]) => new RevokeRefresh(n, back)),
      pick.map((n) => new RevokeGrant(n)),
      fc.constant(new RevokeUser()),
      fc
        .constantFrom(1, 1, 30, 59, 60, 61, 3599, REFRESH_SECONDS - 1, REFRESH_SECONDS)
        .map((seconds) => new Wait(seconds)),
      fc.constant(new Compare()),
    ],
    { maxCommands: 40, size: '+1' },
  )
  const property = fc.asyncProperty(commands, async (all) => {
    await fc.asyncModelRun(async () => {
      const host = await createHost({ throttle: false })
      const model: Model = { now: host.clock.now, mark: 0, sessions: [] }
      return { model, real: { host, sessions: [] } }
    }, [...all, new Compare()])
  })
  await fc.assert(property, { ...runs(120), interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false })
}, 60_000)
