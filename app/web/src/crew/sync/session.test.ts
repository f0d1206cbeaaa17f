import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Fault } from '@sync/world'
import { CrewDatabase } from '../db/database'
import { SettingsStore } from '../db/settings'
import { Session } from './session'

let db: CrewDatabase
let settings: SettingsStore
let session: Session
let made = 0
let answers: { status: number; body: unknown }[]
let asked: { path: string; body: Record<string, unknown> }[]

const person = { id: 'p1', name: '赵强' }
const crew = { id: 'c1', code: 'R3', name_zh: '抢修3组', name_en: 'Repair crew 3' }
const tokens = (n: number) => ({ access_token: `a${n}`, access_expires_in: 900, refresh_token: `r${n}`, person, crew })

beforeEach(() => {
  db = new CrewDatabase(`session-${++made}`)
  settings = new SettingsStore(db)
  session = new Session(settings)
  answers = []
  asked = []
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push({ path, body: JSON.parse(String(init.body)) as Record<string, unknown> })
    const next = answers.shift()
    if (next === undefined) return Promise.reject(new TypeError('network'))
    return Promise.resolve(new Response(JSON.stringify(next.body), { status: next.status }))
  })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await db.delete()
})

async function enrolled(): Promise<void> {
  answers = [{ status: 201, body: { device_id: 'd1', ...tokens(1) } }]
  await session.enrol({ login: 'zhaoqiang', password: 'x' }, 'CODE', 'R3')
  asked = []
}

test('the key is kept before the first question, so a lost answer is asked for with the same key', async () => {
  await expect(session.enrol({ login: 'z', password: 'x' }, 'CODE', 'R3')).rejects.toMatchObject({ kind: 'offline' })
  await enrolled()
  const first = (await settings.get('key'))?.privateKey
  expect(first?.extractable).toBe(false)
  expect(await settings.get('device')).toMatchObject({ device_id: 'd1', crew, person })
})

test('a token near its end is renewed once for all who ask', async () => {
  await enrolled()
  await settings.set('tokens', { access_token: 'a1', access_until: Date.now() + 1000, refresh_token: 'r1' })
  answers = [{ status: 200, body: { device_id: 'd1', ...tokens(2) } }]
  expect(await Promise.all([session.token(), session.token()])).toEqual(['a2', 'a2'])
  expect(asked.map((one) => [one.path, one.body['refresh_token']])).toEqual([['/sync/v1/session', 'r1']])
  expect(await settings.get('tokens')).toMatchObject({ refresh_token: 'r2' })
})

test('a renewal without an answer keeps the tokens; the same question is asked again', async () => {
  await enrolled()
  await expect(session.renew()).rejects.toMatchObject({ kind: 'offline' })
  expect(await settings.get('tokens')).toMatchObject({ refresh_token: 'r1' })
})

test('a refused renewal signs out and keeps device, key and work', async () => {
  await enrolled()
  await db.ops.put({ op_no: 1, record: 'job/1', state: 'pending' } as never)
  answers = [{ status: 401, body: { code: 'sign-in-again', title: '请重新登录' } }]
  await expect(session.renew()).rejects.toBeInstanceOf(Fault)
  expect(await settings.get('tokens')).toBeNull()
  expect(await settings.get('device')).not.toBeNull()
  expect(await settings.get('key')).not.toBeNull()
  expect(await db.ops.count()).toBe(1)
})
