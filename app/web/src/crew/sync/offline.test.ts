import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SyncClient } from '@sync/client'
import type { PullRequest, PushRequest } from '@sync/protocol'
import { count } from '@sync/status'
import { digest, TestClock, TestLink, TestLocks, TestServer } from '../../../../../mobile_sync/client/tests/world'
import { CrewDatabase } from '../db/database'
import { SettingsStore } from '../db/settings'
import { DexieStorage } from '../db/storage'
import { makeKey } from './keys'
import { Session } from './session'
import { httpTransport } from './transport'

const JOB = '018f0000-0000-7000-8000-000000000001'
const YEAR = 365 * 24 * 3_600_000

let db: CrewDatabase
let settings: SettingsStore
let session: Session
let server: TestServer
let client: SyncClient
let clock: TestClock
let link: boolean
let good: { access: string; refresh: string }
let logins = 0
let made = 0

/** A server whose tokens come and go; each sign-in gives new ones. */
async function answered(path: string, init: RequestInit): Promise<Response> {
  if (!link) throw new TypeError('network')
  const body = JSON.parse(String(init.body)) as Record<string, unknown>
  if (path === '/sync/v1/session/login') return Response.json(signedIn(String(body['login'])))
  if (path === '/sync/v1/session') {
    if (body['refresh_token'] === good.refresh) return Response.json(signedIn('zhaoqiang'))
    return Response.json({ code: 'sign-in-again', title: '请重新登录' }, { status: 401 })
  }
  const token = new Headers(init.headers).get('Authorization')
  if (token !== `Bearer ${good.access}`) return Response.json({ code: 'token-expired' }, { status: 401 })
  if (path === '/sync/v1/pull') return Response.json(await server.pull(body as unknown as PullRequest))
  if (path === '/sync/v1/snapshot') return new Response(await linesOf(body as unknown as PullRequest))
  return Response.json(server.push(body as unknown as PushRequest))
}

async function linesOf(body: PullRequest): Promise<string> {
  let lines = ''
  for await (const page of server.stream(body)) lines += `${JSON.stringify(page)}\n`
  return lines
}

function signedIn(who: string): object {
  logins += 1
  good = { access: `access ${logins}`, refresh: `refresh ${logins}` }
  const tokens = { access_token: good.access, access_expires_in: 600, refresh_token: good.refresh }
  return { ...tokens, person: { id: who, name: who }, crew: null, device_id: 'd1' }
}

beforeEach(async () => {
  db = new CrewDatabase(`offline-${++made}`)
  settings = new SettingsStore(db)
  session = new Session(settings)
  server = new TestServer()
  server.write('job', JOB, { state: 'assigned', note: null })
  clock = new TestClock()
  link = true
  vi.stubGlobal('fetch', answered)
  client = new SyncClient({
    storage: new DexieStorage(db),
    transport: httpTransport(session),
    uploader: new TestLink(server),
    clock,
    locks: new TestLocks(),
    digest,
    spread: () => 0.5,
    schema_version: 1,
  })
  await settings.set('key', await makeKey())
  await settings.set('device', { device_id: 'd1', name: 'R3', person: { id: 'zhaoqiang', name: '赵强' }, crew: null })
  await session.signIn({ login: 'zhaoqiang', password: 'x' })
  await client.sync()
})
afterEach(async () => {
  client.stop()
  vi.unstubAllGlobals()
  vi.useRealTimers()
  await db.delete()
})

const note = (text: string) =>
  client.record([{ entity: 'job', rec_id: JOB, kind: 'update', fields: { note: text }, tag: JOB }])
const waiting = async () => (await new DexieStorage(db).run('read', (tables) => count(tables, []))).ops
const arrived = () => [...server.ledger.values()].map(({ op }) => op.fields['note'])

test('[E3] recording goes on when both tokens have ended, and all of it arrives after the next sign-in', async () => {
  good = { access: 'of somebody else', refresh: 'of somebody else' }
  await note('with tokens that are over')
  expect(await client.sync()).toMatchObject({ kind: 'fault', fault: 'auth' })
  expect(await settings.get('tokens')).toBeNull()
  await note('signed out')
  link = false
  await note('signed out and without a link')
  expect(await client.sync()).toMatchObject({ kind: 'fault', fault: 'auth' })
  expect(await waiting()).toBe(3)
  link = true
  await session.signIn({ login: 'zhaoqiang', password: 'x' })
  expect(await client.sync()).toMatchObject({ kind: 'done', pushed: 3 })
  expect(arrived()).toEqual(['with tokens that are over', 'signed out', 'signed out and without a link'])
})

test.each([
  ['in 1970', -56 * YEAR],
  ['in 2060', 34 * YEAR],
])('[E3] a clock %s keeps nobody from recording, nor the queue from draining', async (_, off) => {
  vi.useFakeTimers({ now: Date.now() + off, toFake: ['Date'] })
  clock.ms += off
  link = false
  await note('by a wrong clock')
  await client.sync()
  expect(await waiting()).toBe(1)
  link = true
  expect(await client.sync()).toMatchObject({ kind: 'done', pushed: 1 })
  clock.ms -= off
  vi.useRealTimers()
  await note('by a right one again')
  await client.sync()
  expect(arrived()).toEqual(['by a wrong clock', 'by a right one again'])
})

test('[E3] another person on the tablet sends what the one before recorded, and loses none of it', async () => {
  link = false
  await note('of the first')
  link = true
  await session.signIn({ login: 'qianwei', password: 'x' })
  await note('of the second')
  await client.sync()
  expect(arrived()).toEqual(['of the first', 'of the second'])
  expect((await settings.get('device'))?.person.id).toBe('qianwei')
})

test('[E3] a revoked tablet goes on recording and delivering', async () => {
  vi.stubGlobal('fetch', (path: string, init: RequestInit) =>
    path === '/sync/v1/pull'
      ? Promise.resolve(Response.json({ code: 'device_revoked', params: { wipe: false } }, { status: 403 }))
      : answered(path, init),
  )
  await note('of a revoked one')
  expect(await client.sync()).toMatchObject({ kind: 'fault', fault: 'refused' })
  await note('and another')
  await client.sync()
  expect(arrived()).toEqual(['of a revoked one', 'and another'])
})
