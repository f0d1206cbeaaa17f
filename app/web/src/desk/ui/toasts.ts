import { shallowRef, type ShallowRef } from 'vue'

export interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad' | 'plain'
  readonly text: string
  readonly action?: { readonly label: string; readonly run: () => void }
}

const GOOD_MS = 6000
/** Long enough to notice a wrong crew and take it back. */
const UNDO_MS = 12_000

const shown = shallowRef<readonly Toast[]>([])
let lastId = 0

export const toasts: Readonly<ShallowRef<readonly Toast[]>> = shown

export function dismiss(id: number): void {
  shown.value = shown.value.filter((toast) => toast.id !== id)
}

/** A refusal stays until it is read and closed; good news goes by itself. */
export function toast(tone: Toast['tone'], text: string, action?: Toast['action']): number {
  const id = ++lastId
  const others = shown.value.filter((earlier) => earlier.text !== text)
  shown.value = [...others.slice(-3), action ? { id, tone, text, action } : { id, tone, text }]
  if (tone !== 'bad') setTimeout(() => dismiss(id), action ? UNDO_MS : GOOD_MS)
  return id
}
