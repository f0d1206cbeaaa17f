/**
 * One event stream a browser, however many tabs are open: a browser allows six connections to a server over HTTP/1.1,
 * and the seventh tab would hang. The tab that holds a Web Lock listens and tells the others over a BroadcastChannel;
 * when it closes, the next tab gets the lock and goes on from the last cursor it heard.
 */

export type Entity = 'job' | 'crew' | 'outage' | 'demand' | 'attachment'

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
  readonly readyState: number
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
  readonly gatherMs?: number
  readonly retryMs?: number
}

type Message =
  | { readonly kind: 'change'; readonly cursor: string; readonly change: Change }
  | { readonly kind: 'reset'; readonly cursor: string }
  | { readonly kind: 'place'; readonly cursor: string }
  | { readonly kind: 'link'; readonly state: LinkState }
  | { readonly kind: 'hello' }

const CLOSED = 2
const LOCK = 'lamplighter.live'

/** Adds a change to those waiting; of two for one record the newer revision stays. */
export function gather(waiting: Map<string, Change>, change: Change): void {
  const key = `${change.entity}:${change.id}`
  const earlier = waiting.get(key)
  if (!earlier || change.gone || (!earlier.gone && change.rev >= earlier.rev)) waiting.set(key, change)
}

/** Starts listening; the returned function stops it and frees the lock for the next tab. */
export function listen(options: LiveOptions): () => void {
  const { channel, handlers, locks } = options
  const waiting = new Map<string, Change>()
  const stopped = new AbortController()
  let cursor: string | null = null
  let state: LinkState = 'connecting'
  let leads = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const take = (message: Message): void => {
    if (message.kind === 'hello') {
      if (leads) channel.postMessage({ kind: 'link', state } satisfies Message)
      return
    }
    if (message.kind === 'link') {
      state = message.state
      handlers.link(state)
      return
    }
    cursor = message.cursor || cursor
    if (message.kind === 'place') return
    if (message.kind === 'reset') {
      waiting.clear()
      handlers.reset()
      return
    }
    gather(waiting, message.change)
    timer ??= setTimeout(() => {
      timer = undefined
      const batch = [...waiting.values()]
      waiting.clear()
      if (batch.length) handlers.changed(batch)
    }, options.gatherMs ?? 120)
  }

  const tell = (message: Message): void => {
    channel.postMessage(message)
    take(message)
  }

  channel.onmessage = (event: MessageEvent<Message>) => take(event.data)

  const lead = async (): Promise<void> => {
    leads = true
    const retryMs = options.retryMs ?? 2000
    while (!stopped.signal.aborted) {
      await follow(options.open(cursor), tell, stopped.signal)
      if (!stopped.signal.aborted) await pause(retryMs, stopped.signal)
    }
  }

  if (locks) {
    locks.request(LOCK, { signal: stopped.signal }, lead).catch((error: unknown) => {
      if (!stopped.signal.aborted) throw error
    })
    channel.postMessage({ kind: 'hello' } satisfies Message)
  } else {
    void lead()
  }

  return () => {
    stopped.abort()
    clearTimeout(timer)
    channel.onmessage = null
  }
}

/** Follows one stream until it closes for good: a browser gives up on its own when the server answers with an error. */
function follow(stream: Stream, tell: (message: Message) => void, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stream.close()
      resolve()
    }
    stopped.addEventListener('abort', end, { once: true })
    stream.addEventListener('open', () => tell({ kind: 'link', state: 'live' }))
    stream.addEventListener('error', () => {
      tell({ kind: 'link', state: 'lost' })
      if (stream.readyState === CLOSED) end()
    })
    stream.addEventListener('change', ({ data, lastEventId }) => {
      tell({ kind: 'change', cursor: lastEventId, change: JSON.parse(data) as Change })
    })
    stream.addEventListener('ready', ({ lastEventId }) => tell({ kind: 'place', cursor: lastEventId }))
    stream.addEventListener('reset', ({ lastEventId }) => tell({ kind: 'reset', cursor: lastEventId }))
  })
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    stopped.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
