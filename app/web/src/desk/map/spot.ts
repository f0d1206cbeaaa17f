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
    if (map instanceof AsideMap) map.onShown(place)
    else map.on('render', place)
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
