import type { Feature, Point } from 'geojson'

export interface LivePoint {
  /** The record's id. */
  readonly id: string
  readonly location: Point
  /** What the style reads; flat values only. */
  readonly properties: Readonly<Record<string, string | number | boolean>>
}

export interface PointDiff {
  readonly add: Feature<Point>[]
  readonly remove: number[]
}

/** Remembers what a map source holds, and says what to change: a source of thousands moves a few points at a time. */
export class SourceMemory {
  private readonly numbers = new Map<string, number>()
  private readonly held = new Map<number, string>()

  /** The number under which the map knows a record. */
  numberOf(id: string): number {
    let number = this.numbers.get(id)
    if (number === undefined) {
      number = this.numbers.size + 1
      this.numbers.set(id, number)
    }
    return number
  }

  /** From what the source holds to `points`; `null` when nothing differs. An added point replaces its older self. */
  diff(points: Iterable<LivePoint>): PointDiff | null {
    const add: Feature<Point>[] = []
    const gone = new Set(this.held.keys())
    for (const point of points) {
      const id = this.numberOf(point.id)
      gone.delete(id)
      const signature = JSON.stringify([point.location.coordinates, point.properties])
      if (this.held.get(id) === signature) continue
      this.held.set(id, signature)
      add.push({ type: 'Feature', id, geometry: point.location, properties: { ...point.properties, id: point.id } })
    }
    for (const id of gone) this.held.delete(id)
    return add.length || gone.size ? { add, remove: [...gone] } : null
  }
}
