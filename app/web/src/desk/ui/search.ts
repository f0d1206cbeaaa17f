import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import * as api from '../api'
import type { Found } from '../types'

const QUIET_MS = 180
const FEWEST_LETTERS = 2

export interface Search {
  readonly text: Ref<string>
  /** `null` while nothing is asked; what the last text found stays until the next answer. */
  readonly found: ShallowRef<readonly Found[] | null>
  readonly failure: ShallowRef<unknown>
  /** The place in `found` that stands out. */
  readonly at: Ref<number>
  /** What Enter takes: nothing while the answer to the last letters is still to come. */
  readonly chosen: ComputedRef<Found | undefined>
  /** Go down or up the list, round its ends. */
  readonly step: (by: number) => void
  readonly close: () => void
}

/** Asks when the typing rests; an answer that was overtaken is dropped. */
export function useSearch(wanted: (one: Found) => boolean = () => true): Search {
  const text = ref('')
  const found = shallowRef<readonly Found[] | null>(null)
  const failure = shallowRef<unknown>(null)
  const at = ref(0)
  const answered = ref('')
  const chosen = computed(() => (answered.value === text.value.trim() ? found.value?.[at.value] : undefined))
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked: AbortController | undefined

  watch(text, (typed) => {
    clearTimeout(timer)
    asked?.abort()
    failure.value = null
    const words = typed.trim()
    if (words.length >= FEWEST_LETTERS) timer = setTimeout(() => void ask(words), QUIET_MS)
    else found.value = null
  })

  async function ask(words: string): Promise<void> {
    const mine = (asked = new AbortController())
    try {
      const items = await api.search(words, mine.signal)
      if (mine.signal.aborted) return
      found.value = items.filter(wanted)
      at.value = 0
      answered.value = words
    } catch (error) {
      if (!mine.signal.aborted) failure.value = error
    }
  }

  function step(by: number): void {
    const count = found.value?.length ?? 0
    if (count) at.value = (at.value + by + count) % count
  }

  function close(): void {
    found.value = null
    failure.value = null
  }

  return { text, found, failure, at, chosen, step, close }
}
