import { onBeforeUnmount, onMounted, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import * as api from '../api'
import type { FleetList, FleetQuery } from '../types'

/** Tablets speak once a minute at most; nobody sees more by asking oftener. */
const EVERY_MS = 20_000

/** The list as it is now: read when the question changes, when the page is looked at again, and every so often. */
export function useFleet(wanted: Readonly<Ref<FleetQuery>>): {
  list: ShallowRef<FleetList | null>
  failure: ShallowRef<unknown>
  load: () => Promise<void>
} {
  const list = shallowRef<FleetList | null>(null)
  const failure = shallowRef<unknown>(null)
  let asked = 0

  async function load(): Promise<void> {
    const mine = ++asked
    try {
      const read = await api.fleet(wanted.value)
      if (mine !== asked) return
      list.value = read
      failure.value = null
    } catch (error) {
      if (mine === asked) failure.value = error
    }
  }

  const looked = (): void => {
    if (document.visibilityState === 'visible') void load()
  }
  let timer: ReturnType<typeof setInterval> | undefined
  onMounted(() => {
    document.addEventListener('visibilitychange', looked)
    timer = setInterval(looked, EVERY_MS)
    void load()
  })
  onBeforeUnmount(() => {
    document.removeEventListener('visibilitychange', looked)
    clearInterval(timer)
  })
  watch(wanted, () => void load())
  return { list, failure, load }
}
