import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import * as api from '../api'
import { listen, type Change, type LinkState, type Stream } from '../live'
import { stageOf, type Crew, type Job, type Outage } from '../types'
import { useSession } from './session'

type ById<T> = ReadonlyMap<string, T>

/** Above this many changed jobs or outages at once it is cheaper to read the whole list again. */
const ONE_BY_ONE = 30

/**
 * What is open in the branch, kept fresh by the event stream. Maps are replaced, never changed in place, so that a
 * screen re-renders once a batch; bulk geometry stays out of deep reactivity.
 */
export const useDesk = defineStore('desk', () => {
  const session = useSession()
  const jobs = shallowRef<ById<Job>>(new Map())
  const crews = shallowRef<ById<Crew>>(new Map())
  const outages = shallowRef<ById<Outage>>(new Map())
  const phase = shallowRef<'loading' | 'ready' | 'failed'>('loading')
  const failure = shallowRef<unknown>(null)
  const link = shallowRef<LinkState>('connecting')
  const heardAt = shallowRef<Date | null>(null)
  const lastChanges = shallowRef<readonly Change[]>([])
  /** How often everything had to be read again: screens with lists of their own read theirs again too. */
  const resets = shallowRef(0)
  let stop: (() => void) | undefined
  let reading: Promise<void> | undefined
  let outdated = false

  /** Reads everything; asked for while it reads, it reads once more, because the lists under way may be older. */
  function load(): Promise<void> {
    outdated = true
    reading ??= readUntilCurrent().finally(() => (reading = undefined))
    return reading
  }

  async function readUntilCurrent(): Promise<void> {
    while (outdated) {
      outdated = false
      await readOnce()
    }
  }

  async function readOnce(): Promise<void> {
    try {
      const [allJobs, allCrews, allOutages] = await Promise.all([api.openJobs(), api.crews(), api.openOutages()])
      jobs.value = byId(allJobs)
      crews.value = byId(allCrews)
      outages.value = byId(allOutages)
      phase.value = 'ready'
      heardAt.value = session.serverNow()
    } catch (error) {
      failure.value = error
      if (phase.value === 'loading') phase.value = 'failed'
    }
  }

  async function retry(): Promise<void> {
    phase.value = 'loading'
    await load()
  }

  async function changed(changes: readonly Change[]): Promise<void> {
    // Lists under way may be older than this news and would cover it.
    await reading
    try {
      // Crews move in hundreds, and are asked for by name; of the rest so many change only after something large.
      const others = changes.filter((change) => change.entity !== 'crew')
      if (others.length > ONE_BY_ONE) await load()
      else await Promise.all([fetchJobs(changes), fetchCrews(changes), fetchOutages(changes)])
      heardAt.value = session.serverNow()
      lastChanges.value = changes
    } catch (error) {
      failure.value = error
    }
  }

  async function fetchJobs(changes: readonly Change[]): Promise<void> {
    const { gone, fresh } = await fetchChanged(changes, 'job', api.job)
    jobs.value = merged(jobs.value, gone, fresh, (job) => stageOf(job.state) !== 'done')
  }

  async function fetchCrews(changes: readonly Change[]): Promise<void> {
    const ours = changes.filter((change) => change.entity === 'crew')
    const gone = ours.filter((change) => change.gone).map((change) => change.id)
    const fresh = await api.crewsOf(ours.filter((change) => !change.gone).map((change) => change.id))
    crews.value = merged(crews.value, gone, fresh, () => true)
  }

  async function fetchOutages(changes: readonly Change[]): Promise<void> {
    const { gone, fresh } = await fetchChanged(changes, 'outage', api.outage)
    outages.value = merged(outages.value, gone, fresh, (outage) => outage.state === 'open')
  }

  /** Shows at once what a write has just answered; the stream brings the same again. */
  function took(job: Job): void {
    jobs.value = merged(jobs.value, [], [job], (fresh) => stageOf(fresh.state) !== 'done')
  }

  /** A stream also ends when the login has ended; then there is nothing to reconnect to. */
  async function askWhetherStillIn(): Promise<void> {
    const unreachable = (): boolean => true
    if (!(await session.resume().catch(unreachable))) session.forget()
  }

  function start(): void {
    if (stop) return
    const channel = new BroadcastChannel('lamplighter.live')
    const unlisten = listen({
      open: (cursor) => openStream(session.me?.stream_url ?? '/api/v1/stream', cursor),
      channel,
      locks: 'locks' in navigator ? navigator.locks : undefined,
      network: window,
      handlers: {
        changed: (changes) => void changed(changes),
        reset: () => {
          resets.value++
          void load()
        },
        link: (state) => {
          link.value = state
          if (state === 'lost') void askWhetherStillIn()
        },
      },
    })
    stop = () => {
      unlisten()
      channel.close()
    }
    void load()
  }

  function end(): void {
    stop?.()
    stop = undefined
    jobs.value = crews.value = outages.value = new Map()
    phase.value = 'loading'
  }

  return { jobs, crews, outages, phase, failure, link, heardAt, lastChanges, resets, start, end, retry, took }
})

function openStream(url: string, cursor: string | null): Stream {
  const address = new URL(url, location.origin)
  if (cursor !== null) address.searchParams.set('cursor', cursor)
  return new EventSource(address, { withCredentials: address.origin !== location.origin })
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): ById<T> =>
  new Map(items.map((item) => [item.id, item]))

async function fetchChanged<T>(
  changes: readonly Change[],
  entity: Change['entity'],
  get: (id: string) => Promise<T>,
): Promise<{ gone: string[]; fresh: T[] }> {
  const ours = changes.filter((change) => change.entity === entity)
  const fresh = await Promise.all(ours.filter((change) => !change.gone).map((change) => get(change.id)))
  return { gone: ours.filter((change) => change.gone).map((change) => change.id), fresh }
}

/** The map with the gone taken out and the fresh put in, unless an even newer revision is already there. */
export function merged<T extends { readonly id: string; readonly rev: number }>(
  known: ById<T>,
  gone: readonly string[],
  fresh: readonly T[],
  stays: (item: T) => boolean,
): ById<T> {
  if (!gone.length && !fresh.length) return known
  const next = new Map(known)
  for (const id of gone) next.delete(id)
  for (const item of fresh) {
    const earlier = next.get(item.id)
    if (earlier && earlier.rev > item.rev) continue
    if (stays(item)) next.set(item.id, item)
    else next.delete(item.id)
  }
  return next
}
