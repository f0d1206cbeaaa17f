import { defineStore } from 'pinia'
import { shallowRef, watch } from 'vue'
import * as api from '../api'
import type { Conflict } from '../types'
import { useDesk } from './desk'
import { useSession } from './session'

/** News of jobs comes in bursts, and each console reads the whole list: not more often than this. */
const PACE_MS = 3000

/** What waits for a person to decide, newest first, read again when the stream tells of jobs. */
export const useConflicts = defineStore('conflicts', () => {
  const session = useSession()
  const desk = useDesk()
  /** `null` until the first answer. */
  const open = shallowRef<readonly Conflict[] | null>(null)
  const failure = shallowRef<unknown>(null)
  let reading: Promise<void> | undefined
  let outdated = false
  let readAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop: (() => void) | undefined

  /** Reads now; asked for while it reads, it reads once more, because the list under way may be older. */
  function load(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    outdated = true
    reading ??= readUntilCurrent().finally(() => (reading = undefined))
    return reading
  }

  async function readUntilCurrent(): Promise<void> {
    while (outdated) {
      outdated = false
      readAt = Date.now()
      try {
        open.value = await api.openConflicts()
        failure.value = null
      } catch (error) {
        failure.value = error
      }
    }
  }

  function soon(): void {
    timer ??= setTimeout(() => void load(), Math.max(0, readAt + PACE_MS - Date.now()))
  }

  function start(): void {
    if (stop || !session.may('read_all_jobs')) return
    const endings = [
      watch(
        () => desk.lastChanges,
        (changes) => {
          if (changes.some(({ entity }) => entity === 'job')) soon()
        },
      ),
      watch(() => desk.resets, soon),
    ]
    stop = () => endings.forEach((end) => end())
    void load()
  }

  function end(): void {
    stop?.()
    stop = undefined
    clearTimeout(timer)
    timer = undefined
    open.value = null
  }

  return { open, failure, load, start, end }
})
