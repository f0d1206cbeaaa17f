import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { gather, listen, waitAfter, type Change, type LinkState, type LiveOptions, type Stream } from './live'

const job = (id: string, rev: number, gone = false): Change => ({ entity: 'job', id, rev, gone })

/** The server's end of an event stream. */
class Wire implements Stream {
  closed = false
  private readonly listeners = new Map<string, ((event: MessageEvent<string>) => void)[]>()

  constructor(readonly cursor: string | null) {}

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener])
  }

  close(): void {
    this.closed = true
  }

  send(type: string, data = '', lastEventId = ''): void {
    for (const listener of this.listeners.get(type) ?? []) listener({ data, lastEventId } as MessageEvent<string>)
  }

  change(change: Change, cursor: string): void {
    this.send('change', JSON.stringify(change), cursor)
  }

  refuse(): void {
    this.send('error')
  }
}

/** Web Locks as the standard has them: one holder, the rest wait in order, an abort leaves the queue. */
class Locks {
  private queue: { run: () => Promise<unknown>; signal: AbortSignal }[] = []
  private held = false

  request(_name: string, { signal }: { signal: AbortSignal }, run: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve) => {
      this.queue.push({ signal, run: () => run().then(resolve) })
      this.next()
    })
  }

  private next(): void {
    if (this.held) return
    const turn = this.queue.shift()
    if (!turn) return
    if (turn.signal.aborted) return this.next()
    this.held = true
    void turn.run().finally(() => {
      this.held = false
      this.next()
    })
  }
}

interface Tab {
  readonly wires: Wire[]
  readonly batches: Change[][]
  readonly links: LinkState[]
  resets: number
  stop: () => void
}

let locks: Locks
const tabs: Tab[] = []

function openTab(options: Partial<Pick<LiveOptions, 'wait' | 'network'>> = {}): Tab {
  const tab: Tab = { wires: [], batches: [], links: [], resets: 0, stop: () => undefined }
  const channel = new BroadcastChannel('live-test')
  const stop = listen({
    open: (cursor) => {
      const wire = new Wire(cursor)
      tab.wires.push(wire)
      return wire
    },
    channel,
    locks: locks as unknown as LockManager,
    gatherMs: 20,
    wait: () => 10,
    ...options,
    handlers: {
      changed: (changes) => tab.batches.push([...changes]),
      reset: () => (tab.resets += 1),
      link: (state) => tab.links.push(state),
    },
  })
  tab.stop = () => {
    stop()
    channel.close()
  }
  tabs.push(tab)
  return tab
}

const only = (wires: readonly Wire[]): Wire => {
  expect(wires).toHaveLength(1)
  return wires[0] as Wire
}

beforeEach(() => {
  locks = new Locks()
})
afterEach(() => {
  for (const tab of tabs.splice(0)) tab.stop()
})

describe('gathering', () => {
  test('of two changes of one record the newer revision stays, in whatever order they come', () => {
    const waiting = new Map<string, Change>()
    gather(waiting, job('a', 3))
    gather(waiting, job('a', 2))
    gather(waiting, job('b', 1))
    expect([...waiting.values()]).toEqual([job('a', 3), job('b', 1)])
  })

  test('a record that is gone stays gone', () => {
    const waiting = new Map<string, Change>()
    gather(waiting, job('a', 4, true))
    gather(waiting, job('a', 3))
    expect([...waiting.values()]).toEqual([job('a', 4, true)])
  })
})

describe('tabs of one browser', () => {
  test('three tabs open one connection and all hear the change', async () => {
    const [first, second, third] = [openTab(), openTab(), openTab()]
    await vi.waitFor(() => only(first.wires))

    first.wires[0]?.send('open')
    first.wires[0]?.change(job('a', 1), '10')

    for (const tab of [first, second, third]) {
      await vi.waitFor(() => expect(tab.batches).toEqual([[job('a', 1)]]))
      expect(tab.links.at(-1)).toBe('live')
    }
    expect(second.wires).toHaveLength(0)
    expect(third.wires).toHaveLength(0)
  })

  test('when the listening tab closes, the next goes on from the last cursor it heard', async () => {
    const [first, second] = [openTab(), openTab()]
    await vi.waitFor(() => only(first.wires))
    first.wires[0]?.change(job('a', 1), '41')
    await vi.waitFor(() => expect(second.batches).toHaveLength(1))

    first.stop()

    await vi.waitFor(() => expect(only(second.wires).cursor).toBe('41'))
    expect(first.wires[0]?.closed).toBe(true)
  })

  test('a tab that waits with the others wakes the one that listens, whose own timer may sleep', async () => {
    const first = openTab({ wait: () => 30 })
    await vi.waitFor(() => only(first.wires))
    const heard: unknown[] = []
    const ear = new BroadcastChannel('live-test')
    ear.onmessage = ({ data }) => heard.push(data)
    const second = openTab()
    first.wires[0]?.refuse()
    await vi.waitFor(() => expect(second.links).toContain('lost'))

    await vi.waitFor(() => expect(heard).toContainEqual({ kind: 'now' }))
    ear.close()
  })

  test('a tab that is woken does not wait to the end', async () => {
    const first = openTab({ wait: () => 60_000 })
    await vi.waitFor(() => only(first.wires))
    first.wires[0]?.refuse()
    await vi.waitFor(() => expect(first.links).toEqual(['lost']))

    const other = new BroadcastChannel('live-test')
    other.postMessage({ kind: 'now' })

    await vi.waitFor(() => expect(first.wires).toHaveLength(2))
    other.close()
  })

  test('a tab that opens later learns at once that the link is live', async () => {
    const first = openTab()
    await vi.waitFor(() => only(first.wires))
    first.wires[0]?.send('open')

    const late = openTab()

    await vi.waitFor(() => expect(late.links).toEqual(['live']))
  })
})

describe('waiting for the next try', () => {
  test('is twice as long after each failure, and no longer than 15 seconds', () => {
    expect([1, 2, 3, 4, 5, 20].map((failures) => waitAfter(failures, 0.5))).toEqual([
      1000, 2000, 4000, 8000, 15000, 15000,
    ])
  })

  test('is spread from half to one and a half of that', () => {
    expect([waitAfter(2, 0), waitAfter(2, 1)]).toEqual([1000, 3000])
  })
})

describe('one tab', () => {
  test('ten changes within a moment arrive as one batch', async () => {
    const tab = openTab()
    await vi.waitFor(() => only(tab.wires))
    for (let rev = 1; rev <= 10; rev++) tab.wires[0]?.change(job('a', rev), String(rev))
    tab.wires[0]?.change(job('b', 1), '11')

    await vi.waitFor(() => expect(tab.batches).toEqual([[job('a', 10), job('b', 1)]]))
  })

  test('a stream opened without a cursor asks for everything, one that goes on from a cursor does not', async () => {
    const tab = openTab()
    await vi.waitFor(() => only(tab.wires))
    tab.wires[0]?.send('ready', '', '5')
    expect(tab.resets).toBe(1)
    tab.wires[0]?.refuse()

    await vi.waitFor(() => expect(tab.wires).toHaveLength(2))
    tab.wires[1]?.send('ready', '', '6')
    expect(tab.wires[1]?.cursor).toBe('5')
    expect(tab.resets).toBe(1)
  })

  test('failures in a row are counted, and from one again after a stream that told something', async () => {
    const asked: number[] = []
    const wait = (failures: number): number => {
      asked.push(failures)
      return 1
    }
    const tab = openTab({ wait })
    for (let n = 0; n < 3; n++) {
      await vi.waitFor(() => expect(tab.wires).toHaveLength(n + 1))
      tab.wires[n]?.refuse()
    }
    await vi.waitFor(() => expect(tab.wires).toHaveLength(4))
    tab.wires[3]?.send('open')
    tab.wires[3]?.send('ready', '', '5')
    tab.wires[3]?.refuse()

    await vi.waitFor(() => expect(asked).toEqual([1, 2, 3, 1]))
    expect(tab.links).toEqual(['lost', 'lost', 'lost', 'live', 'lost'])
  })

  test('a network that is back ends the wait', async () => {
    const network = new EventTarget()
    const tab = openTab({ wait: () => 60_000, network })
    await vi.waitFor(() => only(tab.wires))
    tab.wires[0]?.refuse()
    await vi.waitFor(() => expect(tab.links).toEqual(['lost']))

    network.dispatchEvent(new Event('online'))

    await vi.waitFor(() => expect(tab.wires).toHaveLength(2))
  })

  test('a refused stream is opened again after the last cursor', async () => {
    const tab = openTab()
    await vi.waitFor(() => only(tab.wires))
    tab.wires[0]?.change(job('a', 1), '7')
    tab.wires[0]?.refuse()

    await vi.waitFor(() => expect(tab.wires).toHaveLength(2))
    expect(tab.wires[1]?.cursor).toBe('7')
    expect(tab.links).toContain('lost')
  })

  test('a reset drops what was waiting and asks for everything again', async () => {
    const tab = openTab()
    await vi.waitFor(() => only(tab.wires))
    tab.wires[0]?.change(job('a', 1), '7')
    tab.wires[0]?.send('reset', '', '900')

    await vi.waitFor(() => expect(tab.resets).toBe(1))
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(tab.batches).toEqual([])
  })
})
