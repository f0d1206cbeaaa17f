import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import * as api from '../api'
import type { Crew, CrewRegion } from '../types'
import { useNames } from '../ui/names'
import { useProblemWords } from '../ui/problems'
import { toast } from '../ui/toasts'

interface Step {
  readonly crew: Crew
  readonly region: CrewRegion
}

/** Where one crew serves: read, changed a sub-district at a time, the last step taken back. */
export function useRegions(crew: Readonly<Ref<Crew | null>>): {
  items: ShallowRef<readonly CrewRegion[] | null>
  served: ComputedRef<readonly string[]>
  failure: ShallowRef<unknown>
  refusal: ShallowRef<string>
  busy: Ref<boolean>
  last: ShallowRef<Step | null>
  load: () => Promise<void>
  toggle: (id: string) => Promise<void>
  undo: () => Promise<void>
} {
  const { t } = useI18n()
  const { nameOf } = useNames()
  const words = useProblemWords()
  const items = shallowRef<readonly CrewRegion[] | null>(null)
  const failure = shallowRef<unknown>(null)
  const refusal = shallowRef('')
  const last = shallowRef<Step | null>(null)
  const busy = ref(false)
  const served = computed(() => idsOf(items.value ?? []))

  async function load(): Promise<void> {
    const asked = crew.value
    if (!asked) return
    try {
      const read = await api.regionsOf(asked.id)
      if (asked.id !== crew.value?.id) return
      items.value = read
      failure.value = null
    } catch (error) {
      if (asked.id === crew.value?.id) failure.value = error
    }
  }

  /** True when the office took it; else it says why, and shows what holds. */
  async function change(of: Crew, id: string): Promise<boolean> {
    const before = served.value
    const after = before.includes(id) ? before.filter((one) => one !== id) : [...before, id]
    busy.value = true
    refusal.value = ''
    try {
      const now = await api.serveRegions(of.id, after, before)
      if (of.id === crew.value?.id) items.value = now
      return true
    } catch (error) {
      refusal.value = words.text(error)
      await load()
      return false
    } finally {
      busy.value = false
    }
  }

  async function toggle(id: string): Promise<void> {
    const of = crew.value
    const region = items.value?.find((one) => one.id === id)
    if (!of || !region || busy.value || !(await change(of, id))) return
    last.value = { crew: of, region }
    const names = { crew: `${of.code} ${nameOf(of)}`, region: nameOf(region) }
    toast('good', t(region.served ? 'regions.taken' : 'regions.given', names))
  }

  async function undo(): Promise<void> {
    const step = last.value
    if (!step || busy.value || step.crew.id !== crew.value?.id) return
    if (!(await change(step.crew, step.region.id))) return
    last.value = null
    toast('good', t('regions.undone', { region: nameOf(step.region) }))
  }

  watch(
    () => crew.value?.id,
    () => {
      items.value = null
      refusal.value = ''
      last.value = null
      void load()
    },
    { immediate: true },
  )
  return { items, served, failure, refusal, busy, last, load, toggle, undo }
}

const idsOf = (items: readonly CrewRegion[]): string[] => items.filter((one) => one.served).map(({ id }) => id)
