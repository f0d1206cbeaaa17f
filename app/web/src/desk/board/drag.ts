/** Takes hold of a booked visit and carries it to another time or crew. One style write a frame, no render. */
import type { Bar, Lane } from '../types'
import { HOUR_MS, MINUTE_MS, snap, timeAt, xOf, type Axis } from './axis'
import { time } from './lanes'
import { LANE_PX, type Stage } from './stage'

export interface DragOptions {
  readonly stage: Stage
  readonly axis: () => Axis
  readonly barOf: (visitId: string) => Bar | undefined
  /** Whether this lane's crew could make the visit at all. */
  readonly cannot: (bar: Bar, lane: Lane) => boolean
  /** What to write beside the pointer: when, who, and what is in the way. */
  readonly tip: (bar: Bar, lane: Lane | undefined, from: number, to: number) => { text: string; bad: boolean }
  readonly drop: (bar: Bar, lane: Lane, from: number, to: number) => void
}

const HOLD_PX = 4
const EDGE_PX = 36
const SCROLL_PX = 14
const STEP_MS = 15 * MINUTE_MS
const FINE_STEP_MS = MINUTE_MS

interface Held {
  readonly bar: Bar
  readonly source: HTMLElement
  readonly part: HTMLElement
  readonly tip: HTMLElement
  /** Where in the bar the pointer took hold. */
  readonly gripMs: number
  readonly lengthMs: number
  from: number
  lane: Lane | undefined
}

/** Listens on the stage; the returned function stops it. */
export function dragVisits(options: DragOptions): () => void {
  const { stage } = options
  const { scroller } = stage
  let held: Held | null = null
  let start: { readonly x: number; readonly y: number; readonly source: HTMLElement } | null = null
  let last: PointerEvent | null = null
  let frame = 0

  function down(event: PointerEvent): void {
    const source = (event.target as HTMLElement).closest<HTMLElement>('.board-bar[data-movable]')
    if (!source || event.button !== 0) return
    start = { x: event.clientX, y: event.clientY, source }
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', up)
    window.addEventListener('pointercancel', stop)
    window.addEventListener('keydown', key, true)
  }

  function move(event: PointerEvent): void {
    if (!start) return
    last = event
    if (!held && Math.hypot(event.clientX - start.x, event.clientY - start.y) > HOLD_PX) take(start.source, start.x)
    if (held && !frame) frame = requestAnimationFrame(carry)
  }

  function take(source: HTMLElement, x: number): void {
    const bar = options.barOf(source.dataset.visit ?? '')
    if (!bar?.planned_start || !bar.planned_end) return
    const from = time(bar.planned_start)
    const part = source.cloneNode(true) as HTMLElement
    part.className = 'board-bar board-held'
    part.tabIndex = -1
    part.removeAttribute('data-job')
    part.style.top = '0'
    part.style.left = 'var(--label)'
    part.style.height = `${LANE_PX - 6}px`
    part.setAttribute('aria-hidden', 'true')
    const tip = document.createElement('div')
    tip.className = 'board-tip'
    tip.setAttribute('role', 'status')
    source.dataset.lifted = ''
    stage.add(part)
    document.body.append(tip)
    const gripMs = timeAt(options.axis(), x - stage.origin().x) - from
    held = { bar, source, part, tip, gripMs, lengthMs: time(bar.planned_end) - from, from, lane: undefined }
    document.body.classList.add('board-dragging')
    stage.bar((lane) => options.cannot(bar, lane))
  }

  function carry(): void {
    frame = 0
    if (!held || !last) return
    const axis = options.axis()
    const scrolled = scrollAtEdges(last)
    const origin = stage.origin()
    const step = last.altKey ? FINE_STEP_MS : STEP_MS
    const wanted = snap(timeAt(axis, last.clientX - origin.x) - held.gripMs, step)
    const from = Math.min(Math.max(wanted, axis.from), axis.to - HOUR_MS / 4)
    const y = last.clientY - origin.y
    const lane = stage.laneAt(y)
    held.part.style.transform = `translate(${xOf(axis, from)}px, ${y - LANE_PX / 2}px)`
    held.tip.style.transform = `translate(${last.clientX + 14}px, ${last.clientY + 18}px)`
    if (from !== held.from || lane !== held.lane || !held.tip.textContent) say(held, lane, from)
    if (scrolled) frame = requestAnimationFrame(carry)
  }

  function say(now: Held, lane: Lane | undefined, from: number): void {
    if (lane !== now.lane) stage.highlight(lane)
    now.from = from
    now.lane = lane
    const { text, bad } = options.tip(now.bar, lane, from, from + now.lengthMs)
    now.tip.textContent = text
    now.tip.toggleAttribute('data-bad', bad)
  }

  function scrollAtEdges({ clientX, clientY }: PointerEvent): boolean {
    const box = scroller.getBoundingClientRect()
    const push = (at: number, low: number, high: number): number =>
      at < low + EDGE_PX ? -SCROLL_PX : at > high - EDGE_PX ? SCROLL_PX : 0
    const before = [scroller.scrollLeft, scroller.scrollTop]
    scroller.scrollBy(push(clientX, box.left + stage.labelPx, box.right), push(clientY, box.top + EDGE_PX, box.bottom))
    return scroller.scrollLeft !== before[0] || scroller.scrollTop !== before[1]
  }

  function up(): void {
    if (held && frame) carry() // the last place counts, also when its frame has not come
    const dropped = held
    if (dropped) {
      // The click that follows a drag must not open what was dragged.
      window.addEventListener('click', swallow, { capture: true, once: true })
      setTimeout(() => window.removeEventListener('click', swallow, true))
    }
    stop()
    if (dropped?.lane) options.drop(dropped.bar, dropped.lane, dropped.from, dropped.from + dropped.lengthMs)
  }

  function key(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !held) return
    event.preventDefault()
    event.stopPropagation()
    stop()
  }

  function stop(): void {
    window.removeEventListener('pointermove', move)
    window.removeEventListener('pointerup', up)
    window.removeEventListener('pointercancel', stop)
    window.removeEventListener('keydown', key, true)
    cancelAnimationFrame(frame)
    frame = 0
    start = last = null
    if (!held) return
    delete held.source.dataset.lifted
    held.part.remove()
    held.tip.remove()
    held = null
    document.body.classList.remove('board-dragging')
    stage.bar(null)
    stage.highlight(undefined)
  }

  scroller.addEventListener('pointerdown', down)
  return () => {
    stop()
    scroller.removeEventListener('pointerdown', down)
  }
}

function swallow(event: Event): void {
  event.stopPropagation()
  event.preventDefault()
}
