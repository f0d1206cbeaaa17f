/** Draws the map's symbols on canvas, when the style first asks for each: no sprite file, no request. */
import { ICONS, type IconName } from '@shared/icons'
import type { Stage } from '../types'
import { markOutline, STAGE_COLOUR } from './marks'

const RATIO = 2

type Draw = (pen: CanvasRenderingContext2D) => void

function picture(width: number, height: number, draw: Draw): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = width * RATIO
  canvas.height = height * RATIO
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D
  pen.scale(RATIO, RATIO)
  draw(pen)
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}

function jobMark(stage: Stage, kind: IconName): ImageData {
  const colours = STAGE_COLOUR[stage]
  return picture(30, 30, (pen) => {
    pen.scale(0.75, 0.75)
    const outline = new Path2D(markOutline(stage))
    pen.shadowColor = 'rgb(0 0 0 / 35%)'
    pen.shadowBlur = 3
    pen.fillStyle = colours.fill
    pen.fill(outline)
    pen.shadowColor = 'transparent'
    pen.lineWidth = 2.5
    pen.strokeStyle = colours.edge
    pen.stroke(outline)
    pen.translate(10.4, 10.4)
    pen.scale(0.8, 0.8)
    pen.fillStyle = colours.glyph
    pen.fill(new Path2D(ICONS[kind]), 'evenodd')
  })
}

const CREW_COLOUR = {
  free: { fill: '#ffffff', edge: '#1b6e37', glyph: '#1b6e37' },
  busy: { fill: '#24405c', edge: '#ffffff', glyph: '#ffffff' },
  off: { fill: '#eceff2', edge: '#7d8b99', glyph: '#5d6975' },
} as const

/** A broken edge says that the position is old. */
function crewMark(duty: keyof typeof CREW_COLOUR, stale: boolean): ImageData {
  const colours = CREW_COLOUR[duty]
  return picture(30, 24, (pen) => {
    pen.beginPath()
    pen.roundRect(2, 2, 26, 20, 10)
    pen.fillStyle = colours.fill
    pen.shadowColor = 'rgb(0 0 0 / 35%)'
    pen.shadowBlur = 3
    pen.fill()
    pen.shadowColor = 'transparent'
    pen.lineWidth = 2.5
    pen.strokeStyle = colours.edge
    if (stale) pen.setLineDash([4, 3])
    pen.stroke()
    pen.translate(7, 4)
    pen.scale(0.67, 0.67)
    pen.fillStyle = colours.glyph
    pen.fill(new Path2D(ICONS.van), 'evenodd')
  })
}

function outageMark(): ImageData {
  return picture(36, 34, (pen) => {
    const outline = new Path2D('M18 2 34.500 31.500H1.500z')
    pen.lineJoin = 'round'
    pen.fillStyle = '#6330a8'
    pen.shadowColor = 'rgb(0 0 0 / 40%)'
    pen.shadowBlur = 3
    pen.fill(outline)
    pen.shadowColor = 'transparent'
    pen.lineWidth = 2
    pen.strokeStyle = '#ffffff'
    pen.stroke(outline)
    pen.fillStyle = '#ffffff'
    pen.fill(new Path2D('M16.700 11h2.600v10.500h-2.600zM16.700 24h2.600v2.800h-2.600z'))
  })
}

const POWER = '#5b2ea6'
const GAS = '#8a5a00'

function square(colour: string, filled: boolean, size: number): ImageData {
  return picture(size + 4, size + 4, (pen) => {
    pen.fillStyle = filled ? colour : '#ffffff'
    pen.strokeStyle = colour
    pen.lineWidth = 1.8
    pen.fillRect(2, 2, size, size)
    pen.strokeRect(2, 2, size, size)
  })
}

/** Two windings: how a transformer is drawn on a one-line diagram. */
function transformer(): ImageData {
  return picture(16, 12, (pen) => {
    pen.strokeStyle = POWER
    pen.fillStyle = '#ffffff'
    pen.lineWidth = 1.6
    for (const x of [5.5, 10.5]) {
      pen.beginPath()
      pen.arc(x, 6, 4, 0, 7)
      pen.fill()
      pen.stroke()
    }
  })
}

/** Two triangles tip to tip; a cross over one that is stuck or buried. */
function valve(open: boolean, usable: boolean): ImageData {
  return picture(18, 14, (pen) => {
    const body = new Path2D('M2 3v8l7-4zM16 3v8l-7-4z')
    pen.fillStyle = open ? '#ffffff' : GAS
    pen.strokeStyle = GAS
    pen.lineWidth = 1.5
    pen.fill(body)
    pen.stroke(body)
    if (usable) return
    pen.strokeStyle = '#b3201f'
    pen.lineWidth = 2
    pen.stroke(new Path2D('M3 1l12 12M15 1 3 13'))
  })
}

function regulator(): ImageData {
  return picture(18, 18, (pen) => {
    pen.beginPath()
    pen.arc(9, 9, 7, 0, 7)
    pen.fillStyle = '#ffffff'
    pen.fill()
    pen.lineWidth = 1.8
    pen.strokeStyle = GAS
    pen.stroke()
    pen.fillStyle = GAS
    pen.fill(new Path2D('M5 9h8l-4-5z'))
  })
}

function station(colour: string, icon: IconName): ImageData {
  return picture(26, 26, (pen) => {
    pen.beginPath()
    pen.roundRect(2, 2, 22, 22, 4)
    pen.fillStyle = colour
    pen.fill()
    pen.lineWidth = 2
    pen.strokeStyle = '#ffffff'
    pen.stroke()
    pen.translate(5, 5)
    pen.scale(0.67, 0.67)
    pen.fillStyle = '#ffffff'
    pen.fill(new Path2D(ICONS[icon]), 'evenodd')
  })
}

/** The picture of a name such as `job-unsent-gas_leak` or `switch-open`; `null` for a name the style does not use. */
export function draw(name: string): ImageData | null {
  const [family, first = '', ...rest] = name.split('-')
  if (family === 'job') return jobMark(first as Stage, rest.join('-') as IconName)
  if (family === 'crew') return crewMark(first as keyof typeof CREW_COLOUR, rest[0] === 'stale')
  if (family === 'outage') return outageMark()
  if (family === 'switch') return square(POWER, first === 'closed', 8)
  if (family === 'valve') return valve(first === 'open', rest[0] === 'usable')
  return drawStation(name)
}

function drawStation(name: string): ImageData | null {
  if (name === 'transformer') return transformer()
  if (name === 'regulator') return regulator()
  if (name === 'substation') return station(POWER, 'outage_repair')
  if (name === 'gate_station') return station(GAS, 'gas_ignition')
  return null
}

export const PICTURE_RATIO = RATIO
