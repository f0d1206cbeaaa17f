import type { Point } from 'geojson'
import { AsideMap, type MapLibreMap } from './library'

/** A mark the page lays over the map: to put it elsewhere draws nothing of the map anew. `MapPane.vue` knows its look. */
export class Spot {
  private readonly element = document.createElement('i')
  private at: [number, number] | null = null

  constructor(
    private readonly map: MapLibreMap,
    name: string,
  ) {
    this.element.className = `spot ${name}`
    this.put(null)
    map.getCanvasContainer().append(this.element)
    const place = (): void => this.place()
    // The picture of a map drawn aside moves with the camera; any other shows the camera's move with its next frame.
    for (const event of map instanceof AsideMap ? (['move', 'resize'] as const) : (['render'] as const)) {
      map.on(event, place)
    }
  }

  put(location: Point | null): void {
    this.at = location && [location.coordinates[0] ?? 0, location.coordinates[1] ?? 0]
    this.element.hidden = !location
    this.place()
  }

  private place(): void {
    if (!this.at) return
    const { x, y } = this.map.project(this.at)
    this.element.style.transform = `translate(${x}px, ${y}px)`
  }
}
