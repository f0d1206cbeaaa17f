import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

export type ThingKind = 'job' | 'crew' | 'outage' | 'node' | 'link'

export interface Thing {
  readonly kind: ThingKind
  readonly id: string
}

const THINGS: readonly ThingKind[] = ['job', 'crew', 'outage', 'node', 'link']
const NOTHING = Object.fromEntries(THINGS.map((kind) => [kind, undefined]))

export type List = 'unsent' | 'active' | 'all'

export interface Address {
  readonly chosen: ComputedRef<Thing | null>
  readonly tab: ComputedRef<string>
  readonly list: ComputedRef<List>
  readonly kind: ComputedRef<string>
  readonly view: ComputedRef<'map' | 'table'>
  readonly taking: ComputedRef<boolean>
  /** Map layers switched off. */
  readonly off: ComputedRef<readonly string[]>
  readonly choose: (thing: Thing | null, tab?: string) => void
  /** Opens the intake, and closes whatever was open. */
  readonly takeCall: () => void
  readonly set: (changes: LocationQueryRaw) => void
}

/** What the address is about to say: who chooses a thing may move the map in the same breath, and neither is lost. */
let coming: LocationQueryRaw | null = null

/** The live desk's state as it stands in the page's address, so that it survives a reload and can be sent to a colleague. */
export function useAddress(): Address {
  const route = useRoute()
  const router = useRouter()
  const text = (name: string): string => {
    const value = route.query[name]
    return typeof value === 'string' ? value : ''
  }

  function set(changes: LocationQueryRaw): void {
    const query = Object.fromEntries(
      Object.entries({ ...(coming ?? route.query), ...changes }).filter(
        ([, value]) => value !== undefined && value !== '',
      ),
    )
    coming = query
    void router.replace({ query }).finally(() => {
      if (coming === query) coming = null
    })
  }

  return {
    chosen: computed(() => {
      const kind = THINGS.find((one) => text(one))
      return kind ? { kind, id: text(kind) } : null
    }),
    tab: computed(() => text('tab') || 'overview'),
    list: computed(() => (['active', 'all'].includes(text('list')) ? (text('list') as List) : 'unsent')),
    kind: computed(() => text('kind')),
    view: computed(() => (text('view') === 'table' ? 'table' : 'map')),
    taking: computed(() => text('call') === '1'),
    off: computed(() => text('off').split('.').filter(Boolean)),
    takeCall: () => set({ ...NOTHING, call: '1' }),
    set,
    choose: (thing, tab) =>
      set({
        ...NOTHING,
        call: undefined,
        tab,
        ...(thing ? { [thing.kind]: thing.id } : {}),
      }),
  }
}
