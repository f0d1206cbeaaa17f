/**
 * Draws lanes and bars as plain elements, only those in view: a day of a thousand crews costs what twenty cost.
 * Vue draws the panels around it; what moves with the pointer must not pass through a render.
 */
import type { Bar, Lane } from '../types'
import { ticks, widthOf, xOf, type Axis } from './axis'
import { placeBars, time, type Placed } from './lanes'

export const LANE_PX = 48
/** Lanes drawn above and below those in view, between the frames: a turn of the wheel finds them there. */
const SPARE_LANES = 8
const GAP_PX = 3

export interface View {
  readonly axis: Axis
  readonly lanes: readonly Lane[]
  readonly barsOf: (crewId: string) => readonly Bar[]
  readonly now: number
  /** A job's visit that is chosen; its bar stands out. */
  readonly chosen: string | null
  readonly clock: (at: number) => string
  readonly words: BoardWords
}

export interface BoardWords {
  readonly crew: (lane: Lane) => string
  readonly crewNote: (lane: Lane) => string
  readonly laneLabel: (lane: Lane) => string
  readonly barText: (bar: Bar) => string
  readonly barLabel: (placed: Placed) => string
  readonly mark: (bar: Bar) => string
  readonly stage: (bar: Bar) => string
  readonly warns: (bar: Bar) => boolean
  readonly movable: (bar: Bar) => boolean
  readonly cannot: string
}

/** A lane that is drawn: its row, and its crew's name in the column that stays in sight. */
interface Drawn {
  readonly row: HTMLLIElement
  readonly who: HTMLElement
}

export class Stage {
  private readonly hours = el('div', 'board-hours')
  private readonly rows = el('div', 'board-rows')
  private readonly list = el('ul', 'board-lanes')
  /** One column for all names: a name that stuck by itself would be a layer of its own to paint, for each lane. */
  private readonly names = el('div', 'board-names')
  private readonly nowLine = el('div', 'board-now')
  private readonly drawn = new Map<number, Drawn>()
  private view: View | null = null
  private frame = 0
  private spare = 0
  /** The bar that is in the tab order; arrows move it. */
  private current: string | null = null
  private barred: ((lane: Lane) => boolean) | null = null

  constructor(readonly scroller: HTMLElement) {
    this.list.setAttribute('role', 'list')
    this.nowLine.setAttribute('aria-hidden', 'true')
    this.hours.setAttribute('aria-hidden', 'true')
    this.names.setAttribute('aria-hidden', 'true') // the lanes' labels say them
    this.rows.append(this.list, this.names)
    scroller.replaceChildren(this.hours, this.rows, this.nowLine)
    scroller.addEventListener('scroll', this.onScroll, { passive: true })
  }

  end(): void {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.spare)
    this.scroller.removeEventListener('scroll', this.onScroll)
  }

  private readonly onScroll = (): void => {
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => {
      if (this.view) this.drawNow(this.view.now) // first: it reads the layout, which new lanes would make stale
      this.drawVisible(0)
      this.prepare()
    })
  }

  private prepare(): void {
    clearTimeout(this.spare)
    this.spare = window.setTimeout(() => this.drawVisible())
  }

  get labelPx(): number {
    return parseFloat(getComputedStyle(this.scroller).getPropertyValue('--label')) || 0
  }

  /** Draws everything in view anew; the focused bar keeps its focus. */
  show(view: View): void {
    const focused = this.focusedJob()
    const { axis, lanes } = view
    if (this.view?.axis !== axis || this.view.clock !== view.clock) this.drawHours(view)
    this.view = view
    this.rows.style.height = `${lanes.length * LANE_PX}px`
    this.list.style.setProperty('--hour', `${axis.pxPerHour}px`)
    const width = `calc(var(--label) + ${widthOf(axis)}px)`
    this.rows.style.width = this.hours.style.width = width
    this.drawNow(view.now)
    for (const index of this.drawn.keys()) this.erase(index)
    // What has the focus may stand among the spare lanes.
    this.drawVisible(focused ? SPARE_LANES : 0)
    this.prepare()
    if (focused) this.barOf(focused)?.focus({ preventScroll: true })
  }

  private drawHours({ axis, clock }: View): void {
    this.hours.replaceChildren(
      el('span', 'board-corner'),
      ...ticks(axis, clock).map(({ at, label }) => {
        const tick = el('span', 'board-hour')
        tick.textContent = label
        tick.style.left = `calc(var(--label) + ${xOf(axis, at)}px)`
        return tick
      }),
    )
  }

  drawNow(now: number): void {
    const axis = this.view?.axis
    if (!axis) return
    const x = xOf(axis, now)
    // It would be painted over the crews' names.
    this.nowLine.hidden = now > axis.to || x < this.scroller.scrollLeft
    this.nowLine.style.transform = `translateX(${x}px)`
    this.nowLine.style.height = this.rows.style.height
  }

  /** With none to spare nothing is erased either: a frame that answers the wheel does only what is seen in it. */
  private drawVisible(spare = SPARE_LANES): void {
    if (!this.view) return
    const { lanes } = this.view
    const { scrollTop, clientHeight } = this.scroller
    const first = Math.max(0, Math.floor(scrollTop / LANE_PX) - spare)
    const last = Math.min(lanes.length - 1, Math.ceil((scrollTop + clientHeight) / LANE_PX) + spare)
    if (spare > 0) for (const index of this.drawn.keys()) if (index < first || index > last) this.erase(index)
    const rows = document.createDocumentFragment()
    const names = document.createDocumentFragment()
    for (let index = first; index <= last; index++) {
      const lane = lanes[index]
      if (!lane || this.drawn.has(index)) continue
      const drawn = { row: this.drawRow(lane, index, lanes.length), who: this.drawWho(lane, index) }
      this.markBarred(drawn, lane)
      this.drawn.set(index, drawn)
      rows.append(drawn.row)
      names.append(drawn.who)
    }
    this.list.append(rows)
    this.names.append(names)
    this.keepOneTabStop()
  }

  private erase(index: number): void {
    const drawn = this.drawn.get(index)
    drawn?.row.remove()
    drawn?.who.remove()
    this.drawn.delete(index)
  }

  private drawWho(lane: Lane, index: number): HTMLElement {
    const { words } = this.view as View
    const who = el('div', 'board-who')
    who.style.top = `${index * LANE_PX}px`
    const name = el('b')
    name.textContent = words.crew(lane)
    const note = el('span')
    note.textContent = words.crewNote(lane)
    who.append(name, note)
    return who
  }

  private drawRow(lane: Lane, index: number, total: number): HTMLLIElement {
    const { words, barsOf, now, axis } = this.view as View
    const li = el('li', 'board-lane')
    li.dataset.crew = lane.crew_id
    li.setAttribute('aria-label', words.laneLabel(lane))
    li.setAttribute('aria-setsize', String(total))
    li.setAttribute('aria-posinset', String(index + 1))
    li.style.top = `${index * LANE_PX}px`
    const line = el('div', 'board-line')
    for (const shift of lane.shifts) {
      const duty = el('i', 'board-duty')
      stretch(duty, axis, Math.max(axis.from, time(shift.starts_at)), Math.min(axis.to, time(shift.ends_at)))
      line.append(duty)
    }
    const { placed, rows } = placeBars(barsOf(lane.crew_id), now)
    const height = (LANE_PX - GAP_PX * (rows + 1)) / rows
    for (const one of placed) line.append(...this.drawBar(one, height))
    li.append(line)
    return li
  }

  private drawBar(placed: Placed, height: number): HTMLElement[] {
    const { axis, words, chosen } = this.view as View
    const { bar, row } = placed
    const from = Math.max(placed.from, axis.from)
    const to = Math.min(placed.to, axis.to)
    const parts: HTMLElement[] = []
    if (bar.live && bar.planned_start && bar.planned_end) {
      const ghost = el('i', 'board-ghost')
      stretch(ghost, axis, time(bar.planned_start), time(bar.planned_end))
      parts.push(ghost)
    }
    const button = el('button', 'board-bar')
    button.type = 'button'
    button.tabIndex = -1
    button.dataset.job = bar.job_id
    button.dataset.visit = bar.id
    button.dataset.stage = words.stage(bar)
    if (words.movable(bar)) button.dataset.movable = ''
    if (words.warns(bar)) button.dataset.warns = ''
    button.setAttribute('aria-pressed', String(bar.job_id === chosen))
    const label = words.barLabel(placed)
    button.setAttribute('aria-label', label)
    button.title = label
    const mark = el('em')
    mark.dataset.mark = words.mark(bar) // by style: the name says the whole word
    button.append(mark, words.barText(bar))
    stretch(button, axis, from, Math.max(to, from))
    button.style.top = `${GAP_PX + row * (height + GAP_PX)}px`
    button.style.height = `${height}px`
    parts.push(button)
    return parts
  }

  /** While a visit is held: lanes whose crew could not make it are hatched and say so. `null` ends it. */
  bar(cannot: ((lane: Lane) => boolean) | null): void {
    this.barred = cannot
    for (const [index, drawn] of this.drawn) {
      const lane = this.view?.lanes[index]
      if (lane) this.markBarred(drawn, lane)
    }
  }

  private markBarred({ row, who }: Drawn, lane: Lane): void {
    const cannot = this.barred?.(lane) ? (this.view?.words.cannot ?? '') : null
    for (const part of [row, who]) {
      if (cannot === null) delete part.dataset.cannot
      else part.dataset.cannot = cannot
    }
  }

  /** The lane at a height of the list, in pixels from its top. */
  laneAt(y: number): Lane | undefined {
    return this.view?.lanes[Math.floor(y / LANE_PX)]
  }

  highlight(lane: Lane | undefined): void {
    for (const [index, { row, who }] of this.drawn) {
      for (const part of [row, who]) part.toggleAttribute('data-target', this.view?.lanes[index] === lane)
    }
  }

  add(part: HTMLElement): void {
    this.list.append(part)
  }

  /** Where the list begins on the screen: pointer places are told from here. */
  origin(): { x: number; y: number } {
    const box = this.list.getBoundingClientRect()
    return { x: box.left + this.labelPx, y: box.top }
  }

  /** Brings a time to the left of the view. */
  scrollToTime(at: number): void {
    if (this.view) this.scroller.scrollLeft = Math.max(0, xOf(this.view.axis, at))
  }

  barOf(jobId: string): HTMLButtonElement | null {
    return this.list.querySelector(`.board-bar[data-job="${jobId}"]`)
  }

  private focusedJob(): string | null {
    const { activeElement } = document
    return activeElement instanceof HTMLElement && this.list.contains(activeElement)
      ? (activeElement.dataset.job ?? null)
      : null
  }

  private keepOneTabStop(): void {
    const held = this.list.querySelector<HTMLButtonElement>('.board-bar[tabindex="0"]')
    if (held && (this.current === null || held.dataset.job === this.current)) return
    const bars = [...this.list.querySelectorAll<HTMLButtonElement>('.board-bar')]
    const stop = bars.find((bar) => bar.dataset.job === this.current) ?? bars[0]
    for (const bar of bars) bar.tabIndex = bar === stop ? 0 : -1
  }

  /** Draws the lane of a job if it is out of view, and gives its bar the focus. */
  focusJob(jobId: string, laneIndex: number): void {
    this.current = jobId
    const top = laneIndex * LANE_PX
    const { scrollTop, clientHeight } = this.scroller
    const head = this.hours.offsetHeight
    if (top < scrollTop) this.scroller.scrollTop = top
    else if (top + LANE_PX + head > scrollTop + clientHeight)
      this.scroller.scrollTop = top + LANE_PX + head - clientHeight
    this.drawVisible()
    const bar = this.barOf(jobId)
    bar?.focus({ preventScroll: true })
    bar?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }
}

function stretch(part: HTMLElement, axis: Axis, from: number, to: number): void {
  part.style.left = `${xOf(axis, from)}px`
  part.style.width = `${Math.max(0, xOf(axis, to) - xOf(axis, from))}px`
}

function el<K extends keyof HTMLElementTagNameMap>(tag: K, name = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  made.className = name
  return made
}
