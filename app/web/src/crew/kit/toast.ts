import { ref } from 'vue'

export interface Toast {
  text: string
  tone: 'good' | 'wait' | 'warn' | 'bad'
}

/** Milliseconds; long enough to read, short enough not to stand over the next question. */
const SHOWN_MS = 2500

/** One short message at a time, above the bottom bar and read out. */
export const toast = ref<Toast | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

export function say(text: string, tone: Toast['tone'] = 'good'): void {
  toast.value = { text, tone }
  clearTimeout(timer)
  timer = setTimeout(() => {
    toast.value = null
  }, SHOWN_MS)
}
