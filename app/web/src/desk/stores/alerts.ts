import { defineStore } from 'pinia'
import { shallowRef, watch } from 'vue'
import * as api from '../api'
import type { CrewAlert } from '../types'
import { useDesk } from './desk'
import { useSession } from './session'

/** News of jobs comes in bursts, and each console reads the whole list: not more often than this. */
const PACE_MS = 2000

/** Crews that were sent and did not go, the oldest first; read again when the stream tells of jobs. */
export const useAlerts = defineStore('alerts', () => {
  const session = useSession()
  const desk = useDesk()
  const open = shallowRef<readonly CrewAlert[]>([])
  let readAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let stop: (() => void) | undefined

  async function load(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    readAt = Date.now()
    try {
      open.value = await api.crewAlerts()
    } catch {
      // What was last known stays; the link's own sign says that nothing new comes.
      soon()
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
    open.value = []
  }

  return { open, load, start, end }
})
