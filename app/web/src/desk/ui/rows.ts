import { computed, onBeforeUnmount, ref, watch, type ComputedRef, type Ref } from 'vue'

/** Rows of one height drawn beyond both edges of what is in view: a key press finds the next one there. */
const SPARE_ROWS = 12

export interface RowsInView<Row> {
  /** The rows to draw, each with its place in the whole list, from 0. */
  readonly rows: ComputedRef<readonly { readonly row: Row; readonly at: number }[]>
  /** Pixels of the rows above and below that are not drawn. */
  readonly above: ComputedRef<number>
  readonly below: ComputedRef<number>
}

/** Of a long list, the rows in view: the parent of `list` scrolls, and every row is `height` pixels high. */
export function rowsInView<Row>(
  all: Ref<readonly Row[]>,
  list: Ref<HTMLElement | null>,
  height: number,
): RowsInView<Row> {
  const top = ref(0)
  const room = ref(0)
  let scroller: HTMLElement | null = null
  const look = (): void => {
    if (!scroller) return
    top.value = scroller.scrollTop
    room.value = scroller.clientHeight
  }
  const sizes = new ResizeObserver(look)
  const leave = (): void => {
    scroller?.removeEventListener('scroll', look)
    sizes.disconnect()
  }
  watch(
    list,
    (element) => {
      leave()
      scroller = element?.parentElement ?? null
      scroller?.addEventListener('scroll', look, { passive: true })
      if (scroller) sizes.observe(scroller)
      look()
    },
    { flush: 'post' },
  )
  onBeforeUnmount(leave)

  // A list that has just grown shorter is scrolled to beyond its end, for a moment.
  const topmost = computed(() =>
    Math.min(Math.floor(top.value / height), all.value.length - Math.ceil(room.value / height)),
  )
  const first = computed(() => Math.max(0, topmost.value - SPARE_ROWS))
  const end = computed(() => Math.min(all.value.length, Math.ceil((top.value + room.value) / height) + SPARE_ROWS))
  return {
    rows: computed(() => all.value.slice(first.value, end.value).map((row, n) => ({ row, at: first.value + n }))),
    above: computed(() => first.value * height),
    below: computed(() => Math.max(0, all.value.length - end.value) * height),
  }
}
