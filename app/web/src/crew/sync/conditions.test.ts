import { describe, expect, test } from 'vitest'
import { conditions } from './conditions'

const battery = (level: number, charging: boolean) => () => Promise.resolve({ level, charging })

describe('[B12] the link, as the browser tells it', () => {
  test.each([
    [undefined, null],
    [{}, null],
    [{ effectiveType: '4g' }, 'good'],
    [{ effectiveType: '3g' }, 'weak'],
    [{ effectiveType: 'slow-2g' }, 'weak'],
    [{ effectiveType: '4g', saveData: true }, 'weak'],
    [{ effectiveType: '4g', saveData: false }, 'good'],
  ])('%o is %s', async (connection, link) => {
    expect((await conditions(connection === undefined ? {} : { connection })).link).toBe(link)
  })
})

describe('[B13] the battery, as the browser tells it', () => {
  test.each([
    [battery(0.2, false), 'low'],
    [battery(0.05, true), 'fine'],
    [battery(0.21, false), 'fine'],
    [() => Promise.reject(new DOMException('no', 'NotAllowedError')), null],
  ])('%o', async (getBattery, told) => {
    expect((await conditions({ getBattery })).battery).toBe(told)
  })

  test('a browser without that interface says nothing', async () => {
    expect((await conditions({})).battery).toBeNull()
  })
})
