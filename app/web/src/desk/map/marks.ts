import type { Stage } from '../types'

export interface MarkColours {
  readonly fill: string
  readonly edge: string
  readonly glyph: string
}

/** Stage by colour; the outline beside it says the same by shape, the tray by word. */
export const STAGE_COLOUR: Readonly<Record<Stage, MarkColours>> = {
  unsent: { fill: '#b3201f', edge: '#ffffff', glyph: '#ffffff' },
  planned: { fill: '#ffffff', edge: '#4a5866', glyph: '#4a5866' },
  sent: { fill: '#17599b', edge: '#ffffff', glyph: '#ffffff' },
  onsite: { fill: '#9a4700', edge: '#ffffff', glyph: '#ffffff' },
  restored: { fill: '#1b6e37', edge: '#ffffff', glyph: '#ffffff' },
  done: { fill: '#5d6975', edge: '#ffffff', glyph: '#ffffff' },
}

const OUTLINES: Readonly<Record<Stage, string>> = {
  unsent: 'M20 1.500 38.500 20 20 38.500 1.500 20z',
  planned: 'M8 5h24a3 3 0 0 1 3 3v24a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3z',
  sent: 'M8 5h24a3 3 0 0 1 3 3v24a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3z',
  onsite: 'M20 3a17 17 0 1 1 0 34 17 17 0 0 1 0-34z',
  restored: 'M11 4h18l9 16-9 16H11L2 20z',
  done: 'M11 4h18l9 16-9 16H11L2 20z',
}

/** The mark's outline on a 40 × 40 grid. */
export function markOutline(stage: Stage): string {
  return OUTLINES[stage]
}
