/** The engine as an app holds it: record edits, look at them, and let rounds of push, pull and files run by themselves. */

import type { Allowance, BudgetRules, Throughput, Waiting } from './budget'
import type { FileRules } from './files'
import { FIELD_FILES, heard, isAnyWaiting, purge } from './files'
import type { Edit } from './outbox'
import { reconcile } from './numbers'
import { countTry, forgetOld, record, settle, takeBatch, UNNAMED_SCHEMA } from './outbox'
import { markTold, readIncidents, toTell } from './incidents'
import type { Op, Problem, PullRequest, PullResponse, PushRequest, PushResponse, Report } from './protocol'
import type { Applied } from './pull'
import { applyStaged, begin, dropTooOld, isFarBehind, mustAsk, nextRequest, PROBE, stage, UNCHECKED } from './pull'
import type { RetryRules } from './retry'
import { FIELD_RETRY, Retry } from './retry'
import type { Phase } from './status'
import { LAST_SYNCED, LinkMonitor } from './status'
import type { Also, SyncStorage, Tables } from './store'
import { ASKED, HEARD, heardLife, writeMeta } from './store'
import type { Digest } from './verify'
import { verify } from './verify'
import type { Clock, Conditions, FaultKind, Locks, Transport, Uploader } from './world'
import { Fault } from './world'

export interface Parts {
  storage: SyncStorage
  transport: Transport
  uploader: Uploader
  clock: Clock
  locks: Locks
  /** Values in [0, 1) that spread retries. */
  spread: () => number
  schema_version: number
  digest: Digest
  /** What the centre may know about this device; asked once a round. */
  report?: () => Promise<Report>
  batch?: number
  page?: number
  retry?: RetryRules
  files?: FileRules
  budget?: BudgetRules
  /** Asked before files are sent. Left out: only requests tell whether the link is weak, and the battery lasts. */
  conditions?: () => Promise<Conditions>
}

export interface Keeping {
  /** The server takes all of the edits or none. */
  together?: boolean
  /** Not worth a round of its own: they go with the next one. */
  quiet?: boolean
  /** Written in the same local transaction. */
  also?: Also
}

/** What a round came to. The button shows it in words, so there is no silent one. */
export type Outcome =
  | { kind: 'done'; pushed: number; pulled: number; files: number }
  | { kind: 'elsewhere' }
  | { kind: 'fault'; fault: FaultKind; problem: Problem }

const LOCK = 'mobile-sync.sender'
/** How often the state of held and quarantined ops is asked, in milliseconds. */
const ASK_EVERY_MS = 600_000
/** A page that what is staged cannot be gone on with: the pull begins anew. */
class TooLate extends Error {}
/** What an older server says of a path that it does not have. */
const NO_SUCH_DOOR = [404, 405]
/** Renumberings in one round; more means that the two sides do not understand each other. */
const MOST_RECONCILED = 5

export class SyncClient {
  readonly link = new LinkMonitor()
  phase: Phase = 'idle'
  /** The file on its way and how many of its bytes the server has. */
  moving: { sha256: string; sent: number } | null = null
  last: Outcome | null = null
  /** Files that link or battery made wait in the last round (SPEC B12, B13). */
  waiting: Waiting | null = null

  private readonly listeners = new Set<() => void>()
  private readonly retry: Retry
  private running: Promise<Outcome> | null = null
  private edited = false
  private stopped = true
  private following = false

  constructor(private readonly parts: Parts) {
    this.retry = new Retry(parts.clock, parts.retry ?? FIELD_RETRY, () => void this.sync(), parts.spread)
  }

  get next_try_at(): number | null {
    return this.retry.next_at
  }

  get started(): boolean {
    return !this.stopped
  }

  /** The system says that there is no network; the next request tells more. */
  cut(): void {
    this.link.cut()
    this.tell()
  }

  /** Begin rounds; from now on a wake-up is always armed. */
  start(): void {
    this.stopped = false
    void this.sync()
  }

  stop(): void {
    this.stopped = true
    this.retry.stop()
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Keep edits in one local transaction; when this resolves they survive a kill. Returns their op numbers. */
  async record(edits: readonly Edit[], how: Keeping = {}): Promise<number[]> {
    const { clock, schema_version } = this.parts
    const recording = { together: how.together ?? false, now: clock.now(), schema_version }
    const made = (tables: Tables): Promise<number[]> => record(tables, edits, recording)
    const numbers = await this.parts.storage.run('write', made, how.also)
    if (how.quiet) return numbers
    this.edited = true
    this.tell()
    if (!this.stopped) void this.sync()
    return numbers
  }

  read<T>(work: (tables: Tables) => Promise<T>): Promise<T> {
    return this.parts.storage.run('read', work)
  }

  async change<T>(work: (tables: Tables) => Promise<T>): Promise<T> {
    const answer = await this.parts.storage.run('write', work)
    this.tell()
    return answer
  }

  /** The next round asks what became of the ops that wait at the centre, however lately it was asked (SPEC P16). */
  askAgain(): void {
    this.asked_at = -Infinity
  }

  /** The next round sends all files, whatever link and battery say. */
  hurry(): void {
    this.hurried = true
    this.edited = true // a round that is under way goes through once more
  }

  /** Run one round now. Calls during a round join it, and a further round follows where edits came in between. */
  sync(): Promise<Outcome> {
    this.running ??= this.guarded().finally(() => {
      this.running = null
    })
    return this.running
  }

  private async guarded(): Promise<Outcome> {
    try {
      const done = await this.parts.locks.only(LOCK, () => this.attempt())
      const outcome: Outcome = done ?? { kind: 'elsewhere' }
      this.last = outcome
      this.rearm(outcome)
      if (done === null) this.follow()
      return outcome
    } catch (error) {
      // Nobody foresaw it: no reason to let the queue sleep.
      if (!this.stopped) this.retry.failed(null)
      throw error
    } finally {
      this.phase = 'idle'
      this.moving = null
      this.tell()
    }
  }

  /** Another page is the sender: what this one recorded meanwhile goes as soon as that one is done, or dead. */
  private follow(): void {
    if (this.following || this.stopped) return
    this.following = true
    void this.parts.locks.freed(LOCK).then(async () => {
      this.following = false
      await this.running
      if (!this.stopped) void this.sync()
    })
  }

  private rearm(outcome: Outcome): void {
    if (this.stopped) return
    if (outcome.kind === 'fault') this.retry.failed(this.retryAfter)
    else this.retry.succeeded()
  }

  private retryAfter: number | null = null
  private asked_at = -Infinity
  /** The server's clock as last heard; how long a judged op is kept is counted by it alone. */
  private server_at: number | null = null
  private report: Report | null = null
  /** The server is of a release without streams; asked again after a restart. */
  private noStreams = false
  /** What the server takes beyond its first release, as it said last (SPEC W12). */
  private offers: string[] = []
  private throughput: Throughput | null = null
  /** Of the round that is under way. */
  private allowance: Allowance | null = null
  private hurried = false

  private async attempt(): Promise<Outcome> {
    this.retryAfter = null
    try {
      return await this.round()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.link.failed(error.kind)
      this.retryAfter = error.retryAfter
      // Who may not pull asks by an empty push whether all that was sent is still there (SPEC P14).
      if (error.problem.code === 'device_revoked') await this.change((tables) => writeMeta(tables, PROBE, true))
      return { kind: 'fault', fault: error.kind, problem: error.problem }
    }
  }

  private async round(): Promise<Outcome> {
    const total = { pushed: 0, pulled: 0, files: 0 }
    this.allowance = null
    this.report = (await this.parts.report?.()) ?? null
    do {
      this.edited = false
      total.pushed += await this.push()
      total.pulled += await this.pull()
      total.files += await this.sendFiles()
    } while (this.edited)
    await this.parts.storage.run('write', (tables) => this.close(tables))
    return { kind: 'done', ...total }
  }

  private async close(tables: Tables): Promise<void> {
    const now = this.parts.clock.now()
    await purge(tables, this.parts.files ?? FIELD_FILES)
    if (this.server_at !== null) await forgetOld(tables, this.server_at)
    await writeMeta(tables, LAST_SYNCED, now)
  }

  private async push(): Promise<number> {
    const { storage, clock } = this.parts
    let ask = this.shouldAsk()
    let settled = await this.probe()
    for (let reconciled = 0; reconciled <= MOST_RECONCILED;) {
      const take = (tables: Tables): Promise<Op[]> => takeBatch(tables, this.parts.batch ?? 100, ask, clock.now())
      const ops = await storage.run('write', take)
      if (ops.length === 0) break
      const after = await this.pushed(ops)
      ask = false
      settled += after.moved
      if (after.again) reconciled += 1
      else if (after.moved === 0) break
    }
    return settled
  }

  /** Ops that may have to be renumbered must not be under way in another life of the server, nor in any (SPEC P14, P15, P19). */
  private async probe(): Promise<number> {
    const wanted = await this.parts.storage.run('read', mustAsk)
    return wanted ? (await this.pushed([])).moved : 0
  }

  private async pushed(ops: Op[]): Promise<{ moved: number; again: boolean }> {
    this.enter('pushing')
    const body = await this.pushBody(ops)
    const sent = this.timed(() => this.parts.transport.push(body))
    const answer = await sent.catch((fault: unknown) => this.failed(ops, fault))
    const { moved, again } = await this.parts.storage.run('write', (tables) => this.answered(tables, answer))
    this.tell()
    // Sent under the epoch of a life that is over, nothing new was taken (SPEC P19).
    return { moved, again: again || (answer.epoch !== body.epoch && body.epoch !== undefined) }
  }

  private async failed(ops: readonly Op[], fault: unknown): Promise<never> {
    if (fault instanceof Fault && fault.kind !== 'offline')
      await this.parts.storage.run('write', (tables) => countTry(tables, ops))
    throw fault
  }

  private async answered(tables: Tables, answer: PushResponse): Promise<{ moved: number; again: boolean }> {
    this.server_at = Date.parse(answer.server_at)
    const moved = await settle(tables, answer.results, this.server_at)
    await heard(tables, answer.epoch, answer.server_at)
    await tables.meta.delete(PROBE)
    await writeMeta(tables, HEARD, answer.epoch)
    await writeMeta(tables, ASKED, answer.epoch)
    return { moved, again: await reconcile(tables, answer) }
  }

  private shouldAsk(): boolean {
    const now = this.parts.clock.monotonic()
    if (now - this.asked_at < ASK_EVERY_MS) return false
    this.asked_at = now
    return true
  }

  private async pushBody(ops: Op[]): Promise<PushRequest> {
    const { storage, clock, schema_version } = this.parts
    const epoch = await storage.run('read', heardLife)
    return {
      // It stands for the ops that do not name theirs (SPEC W8).
      schema_version: ops.every((op) => op.schema_version !== undefined) ? schema_version : UNNAMED_SCHEMA,
      sent_at: new Date(clock.now()).toISOString(),
      monotonic_ms: Math.round(clock.monotonic()),
      ops,
      ...(epoch === null ? {} : { epoch }),
      ...(this.report === null ? {} : { report: this.report }),
    }
  }

  private async pull(): Promise<number> {
    const first = await this.pullOnce()
    // A bucket that does not add up is asked for again at once, but not for ever: see verify.ts.
    const { storage, digest, clock } = this.parts
    const wrong = await verify(storage, first.heads, digest, clock.now())
    const second = wrong.length === 0 ? null : await this.pullOnce()
    if (second !== null) await verify(storage, second.heads, digest, clock.now())
    if ((await storage.run('read', (tables) => tables.meta.get(UNCHECKED))) !== undefined)
      await storage.run('write', (tables) => tables.meta.delete(UNCHECKED))
    return first.changed + first.gone + (second === null ? 0 : second.changed + second.gone)
  }

  private async pullOnce(): Promise<Applied> {
    const { storage } = this.parts
    this.enter('pulling')
    await storage.run('write', begin)
    for (;;) {
      const request = await storage.run('read', (tables) => nextRequest(tables, this.parts.page ?? 500))
      const told = this.offers.includes('incidents') ? toTell(await storage.run('read', readIncidents)) : []
      const incidents = told.length > 0 ? { incidents: told } : {}
      const body = { ...request, schema_version: this.parts.schema_version, ...incidents }
      const page = await this.fetchPages(this.report === null ? body : { ...body, report: this.report })
      if (page === null) continue
      const applied = await storage.run('write', async (tables) => {
        await heard(tables, page.epoch, page.server_at)
        return applyStaged(tables)
      })
      if (applied.changed + applied.gone > 0) this.tell()
      return applied
    }
  }

  /** Keep the pages of a stream where much is to come and the server has streams, else one (SPEC L15). The last page when all are here. */
  private async fetchPages(body: PullRequest): Promise<PullResponse | null> {
    const { storage, transport } = this.parts
    const last: { page: PullResponse | null } = { page: null }
    const keep = async (page: PullResponse): Promise<void> => {
      this.offers = page.offers ?? []
      this.server_at = Date.parse(page.server_at)
      const whole = await storage.run('write', async (tables) => {
        await markTold(tables, body.incidents ?? [])
        return (await dropTooOld(tables, page)) ? null : stage(tables, page)
      })
      if (whole === null) throw new TooLate()
      last.page = whole ? page : null
    }
    const stream = this.noStreams || !isFarBehind(body) ? undefined : transport.snapshot
    try {
      await (stream === undefined ? keep(await this.timed(() => transport.pull(body))) : stream(body, keep))
    } catch (error) {
      if (error instanceof TooLate) return null
      const older = stream !== undefined && error instanceof Fault && NO_SUCH_DOOR.includes(error.problem.status ?? 0)
      if (!older) throw error
      this.noStreams = true
    }
    return last.page
  }

  private async sendFiles(): Promise<number> {
    const { storage, transport, uploader, clock } = this.parts
    this.waiting = null
    if (!(await storage.run('read', isAnyWaiting))) return 0
    const [{ sendFiles }, budget] = await Promise.all([import('./sending'), import('./budget')])
    const throughput = (this.throughput ??= new budget.Throughput())
    if (this.allowance === null || this.hurried) {
      const isSlow = (): boolean => throughput.isWeak || this.link.link !== 'online'
      const conditions = (await this.parts.conditions?.()) ?? { link: null, battery: null }
      const rules = this.parts.budget ?? budget.FIELD_BUDGET
      this.allowance = new budget.Allowance(rules, conditions, isSlow, this.hurried)
      this.hurried = false
    }
    const { allowance } = this
    const verified = await sendFiles({
      storage,
      uploader,
      clock,
      allowance,
      throughput,
      rules: this.parts.files ?? FIELD_FILES,
      transport: { checkBlobs: (hashes) => this.timed(() => transport.checkBlobs(hashes)) },
      interrupted: () => this.edited,
      progress: (sha256, sent) => {
        this.enter('sending')
        this.moving = { sha256, sent }
        this.tell()
      },
    })
    this.waiting = allowance.waiting
    return verified
  }

  private async timed<T>(request: () => Promise<T>): Promise<T> {
    const began = this.parts.clock.monotonic()
    const answer = await request()
    this.link.answered(this.parts.clock.monotonic() - began)
    return answer
  }

  private enter(phase: Phase): void {
    if (this.phase === phase) return
    this.phase = phase
    this.tell()
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }
}
