/** What each line, dot and sign of the map means, in the colours the map draws with. Words by name under `map.sign`. */
import { COLOURS } from './layers/network'
import { HALO } from './layers/parts'
import type { Switch } from './style'

export interface Sign {
  readonly name: string
  readonly line?: { readonly colour: string; readonly width: number; readonly dash?: string; readonly opacity?: number }
  /** Shown from afar, where signs would hide each other. */
  readonly dot?: { readonly fill: string; readonly edge: string; readonly radius: number }
  /** A picture of `pictures.ts`, shown from close by. */
  readonly picture?: string
}

const { power, gas, powerDark, gasDark, stuck } = COLOURS
const ofPower = (fill: string, radius: number): Sign['dot'] & object => ({ fill, edge: powerDark, radius })
const ofGas = (fill: string, radius: number): Sign['dot'] & object => ({ fill, edge: gasDark, radius })

export const SIGNS_OF: Readonly<Partial<Record<Switch, readonly Sign[]>>> = {
  crews: [{ name: 'stale', picture: 'crew-busy-stale' }],
  outages: [{ name: 'outage', picture: 'outage' }],
  power: [
    { name: 'substation', picture: 'substation' },
    { name: 'overhead_line', line: { colour: power, width: 2.5 } },
    { name: 'cable', line: { colour: power, width: 2.5, dash: '6 2.500' } },
    { name: 'lv_line', line: { colour: power, width: 1, opacity: 0.55 } },
    { name: 'transformer', dot: ofPower(HALO, 2), picture: 'transformer' },
    { name: 'switch_open', dot: ofPower(HALO, 3), picture: 'switch-open' },
    { name: 'switch_closed', dot: ofPower(powerDark, 3), picture: 'switch-closed' },
  ],
  gas: [
    { name: 'gate_station', picture: 'gate_station' },
    { name: 'main', line: { colour: gas, width: 3, dash: '5 3' } },
    { name: 'pipe', line: { colour: gas, width: 1.4, dash: '3 2' } },
    { name: 'regulator', dot: ofGas(HALO, 4), picture: 'regulator' },
    { name: 'valve_open', dot: ofGas(HALO, 2.4), picture: 'valve-open-usable' },
    { name: 'valve_closed', dot: ofGas(gasDark, 2.4), picture: 'valve-closed-usable' },
    { name: 'valve_stuck', dot: ofGas(stuck, 2.4), picture: 'valve-open-stuck' },
  ],
  premises: [{ name: 'premises', dot: { fill: '#6f7b87', edge: HALO, radius: 3.5 } }],
}
