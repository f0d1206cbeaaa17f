import { shallowRef } from 'vue'
import type { Erased } from './erase'

/** What became of the unsent work of this tablet; null where the page was opened later. */
export const told = shallowRef<Erased | null>(null)
