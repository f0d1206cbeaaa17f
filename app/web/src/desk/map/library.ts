/** The map library with its worker, in one chunk for every map of the desk. */
import 'maplibre-gl/dist/maplibre-gl.css'
import { Map as MapLibreMap, setWorkerUrl, type MapOptions } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { AsideMap } from './aside'
import { isDrawnBySoftware } from './paced'

setWorkerUrl(workerUrl)

export { AsideMap } from './aside'
export { LngLatBounds, Map as MapLibreMap, Marker, NavigationControl } from 'maplibre-gl'
export { ScaleControl } from './scale'

/** A map that keeps nobody waiting, whoever draws it. */
export function makeMap(options: MapOptions): MapLibreMap {
  return isDrawnBySoftware() ? new AsideMap(options) : new MapLibreMap(options)
}
