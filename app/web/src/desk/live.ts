/**
 * One event stream a browser, however many tabs are open: a browser allows six connections to a server over HTTP/1.1,
 * and the seventh tab would hang. The tab that holds a Web Lock listens and tells the others over a BroadcastChannel;
 * when it closes, the next tab gets the lock and goes on from the last cursor it heard.
 */

export type Entity = 'job' | 'crew' | 'outage' | 'demand' | 'attachment' | 'network'

/** "This changed": the news carries no data, they are fetched by GET. */
export interface Change {
  readonly entity: Entity
  readonly id: string
  readonly rev: number
  readonly gone: boolean
}

export type LinkState = 'connecting' | 'live' | 'lost'

export interface LiveHandlers {
  /** Changes gathered over a short while, each record once with its newest revision. */
  readonly changed: (changes: readonly Change[]) => void
  /** The server no longer knows our cursor: read everything again. */
  readonly reset: () => void
  readonly link: (state: LinkState) => void
}

/** The part of EventSource that is used, so that tests can stand in for the wire. */
export interface Stream {
  close(): void
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
}

export interface LiveOptions {
  /** Opens the stream after this cursor (`null` = from now on). */
  readonly open: (cursor: string | null) => Stream
  readonly handlers: LiveHandlers
  readonly channel: BroadcastChannel
  /** Web Locks are missing on plain http: every tab then listens for itself. */
  readonly locks: LockManager | undefined
  /** Milliseconds to wait after so many failures in a row, from 1. */
  readonly wait?: (failures: number) => number
  /** Says `online` when the machine has a network again: no reason to wait any longer. */
  readonly network?: EventTarget
  readonly gatherMs?: number
}

type News =
  | { readonly kind: 'change'; readonly cursor: string; readonly change: Change }
  | { readonly kind: 'reset'; readonly cursor: string }
  | { readonly kind: 'place'; readonly cursor: string }

interface Link {
  readonly kind: 'link'
  readonly state: LinkState
  /** When lost: milliseconds to the next try. */
  readonly againMs?: number
}

/** `hello`: a tab asks how the link stands. `now`: the wait for the next try is over. */
type Message = News | Link | { readonly kind: 'hello' } | { readonly kind: 'now' }

const LOCK = 'lamplighter.live'
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 15_000
/** A server that took the connection and says nothing is as good as none. */
const SILENT_MS = 20_000

/**
 * Milliseconds before the next try: doubled with each failure, and half to one and a half times that by `spread` from
 * 0 to 1, because a restarted server cuts off all consoles in the same moment.
 */
export function waitAfter(failures: number, spread: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)) * (0.5 + spread)
}

/** Adds a change to those waiting; of two for one record the newer revision stays. */
export function gather(waiting: Map<string, Change>, change: Change): void {
  const key = `${change.entity}:${change.id}`
  const earlier = waiting.get(key)
  if (!earlier || change.gone || (!earlier.gone && change.rev >= earlier.rev)) waiting.set(key, change)
}

/** Starts listening; the returned function stops it and frees the lock for the next tab. */
export function listen(options: LiveOptions): () => void {
  const tab = new ListeningTab(options)
  tab.start()
  return () => tab.stop()
}

class ListeningTab {
  private readonly waiting = new Map<string, Change>()
  private readonly stopped = new AbortController()
  private cursor: string | null = null
  private link: Link = { kind: 'link', state: 'connecting' }
  private leads = false
  private gathering: ReturnType<typeof setTimeout> | undefined
  private deliveredAt = -Infinity
  private urging: ReturnType<typeof setTimeout> | undefined
  private endPause: () => void = () => undefined

  constructor(private readonly options: LiveOptions) {}

  start(): void {
    const { channel, locks, network } = this.options
    channel.onmessage = (event: MessageEvent<Message>) => this.take(event.data)
    network?.addEventListener('online', this.hurry)
    if (!locks) {
      void this.lead()
      return
    }
    locks
      .request(LOCK, { signal: this.stopped.signal }, () => this.lead())
      .catch((error: unknown) => {
        if (!this.stopped.signal.aborted) throw error
      })
    this.post({ kind: 'hello' })
  }

  stop(): void {
    this.stopped.abort()
    this.endPause()
    clearTimeout(this.gathering)
    clearTimeout(this.urging)
    this.options.network?.removeEventListener('online', this.hurry)
    this.options.channel.onmessage = null
  }

  private readonly hurry = (): void => this.endPause()

  /** Opens one stream after the other, as long as this tab is there. */
  private async lead(): Promise<void> {
    this.leads = true
    const { signal } = this.stopped
    const wait = this.options.wait ?? ((failures: number) => waitAfter(failures, Math.random()))
    let failures = 0
    while (!signal.aborted) {
      const begun = await follow(this.options.open(this.cursor), this.cursor === null, (one) => this.tell(one), signal)
      if (signal.aborted) return
      failures = begun ? 1 : failures + 1
      const againMs = wait(failures)
      this.tell({ kind: 'link', state: 'lost', againMs })
      await this.pause(againMs)
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  private post(message: Message): void {
    this.options.channel.postMessage(message)
  }

  private tell(message: Message): void {
    this.post(message)
    this.take(message)
  }

  private take(message: Message): void {
    if (message.kind === 'hello') {
      if (this.leads) this.post(this.link)
    } else if (message.kind === 'now') this.endPause()
    else if (message.kind === 'link') this.takeLink(message)
    else this.takeNews(message)
  }

  private takeLink(link: Link): void {
    this.link = link
    clearTimeout(this.urging)
    // The timers of a tab in the background run once a minute; one that is looked at wakes the tab that listens.
    if (!this.leads && link.againMs !== undefined) {
      this.urging = setTimeout(() => this.post({ kind: 'now' }), link.againMs)
    }
    this.options.handlers.link(link.state)
  }

  private takeNews(news: News): void {
    this.cursor = news.cursor || this.cursor
    if (news.kind === 'reset') {
      this.waiting.clear()
      this.options.handlers.reset()
    } else if (news.kind === 'change') {
      gather(this.waiting, news.change)
      this.gathering ??= setTimeout(() => this.deliver(), this.gatherFor())
    }
  }

  /** What one commit changed comes within a few milliseconds; news without end is delivered three times more rarely. */
  private gatherFor(): number {
    const { gatherMs = 40 } = this.options
    return Math.max(gatherMs, this.deliveredAt + 3 * gatherMs - performance.now())
  }

  private deliver(): void {
    this.gathering = undefined
    this.deliveredAt = performance.now()
    const batch = [...this.waiting.values()]
    this.waiting.clear()
    if (batch.length) this.options.handlers.changed(batch)
  }
}

/**
 * Follows one stream to its end; true when the server had begun to tell. A browser tries again by itself only after some
 * failures, for ever at the same pace, and gives up for good on an answer such as 503: so every failure ends the stream
 * here, and the next one is ours to open.
 */
function follow(
  stream: Stream,
  anew: boolean,
  tell: (message: Message) => void,
  stopped: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    let begun = false
    const end = (): void => {
      clearTimeout(silent)
      stopped.removeEventListener('abort', end)
      stream.close()
      resolve(begun)
    }
    const silent = setTimeout(end, SILENT_MS)
    const on = (type: string, hear: (cursor: string, data: string) => void): void =>
      stream.addEventListener(type, ({ data, lastEventId }) => {
        begun = true
        hear(lastEventId, data)
      })
    stopped.addEventListener('abort', end)
    stream.addEventListener('open', () => {
      clearTimeout(silent)
      tell({ kind: 'link', state: 'live' })
    })
    stream.addEventListener('error', end)
    on('change', (cursor, data) => tell({ kind: 'change', cursor, change: JSON.parse(data) as Change }))
    // A stream without a cursor tells what happens from now on: what was read before it may be older than that.
    on('ready', (cursor) => tell({ kind: anew ? 'reset' : 'place', cursor }))
    on('reset', (cursor) => tell({ kind: 'reset', cursor }))
  })
}
