import { ScaleControl as LibraryScale, type Map as MapLibreMap } from 'maplibre-gl'

const EVENTS = ['zoom', 'moveend'] as const

/** A scale that rests while the map is only pushed: to lay it out in every frame costs more than to move a picture. */
export class ScaleControl extends LibraryScale {
  override onAdd(map: MapLibreMap): HTMLElement {
    const element = super.onAdd(map)
    map.off('move', this._onMove)
    for (const event of EVENTS) map.on(event, this._onMove)
    return element
  }

  override onRemove(): void {
    for (const event of EVENTS) this._map.off(event, this._onMove)
    super.onRemove()
  }
}
