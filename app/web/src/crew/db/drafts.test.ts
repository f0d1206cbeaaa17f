import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

vi.hoisted(() => Object.assign(globalThis, { navigator: globalThis.navigator ?? {} }))

import { dropDraft, draftsUnder, endDraft, homeless, keepDraft, readDraft } from './drafts'
import { db } from '../services'

let full = false

beforeEach(() => {
  full = false
  const put = db.drafts.put.bind(db.drafts)
  vi.spyOn(db.drafts, 'put').mockImplementation((...row) =>
    full
      ? (Promise.reject(new DOMException('no room', 'QuotaExceededError')) as unknown as ReturnType<typeof put>)
      : put(...row),
  )
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  for (const { key } of await draftsUnder('')) await dropDraft(key)
})

test('a draft without room is in memory, is told, and is kept by itself as soon as there is room', async () => {
  await keepDraft('answer/j1/action', 'be')
  full = true
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await expect(keepDraft('answer/j1/action', 'before')).rejects.toThrow('no room')
  expect(homeless.value).toBe(true)
  expect(await readDraft('answer/j1/action')).toBe('before')
  expect((await db.drafts.get('answer/j1/action'))?.value).toBe('be')

  await vi.advanceTimersByTimeAsync(2000)
  expect(homeless.value).toBe(true)
  full = false
  await vi.advanceTimersByTimeAsync(2000)
  vi.useRealTimers()
  await vi.waitFor(() => expect(homeless.value).toBe(false))
  expect((await db.drafts.get('answer/j1/action'))?.value).toBe('before')
})

test('what ended is not written after its end', async () => {
  const writing = keepDraft('answer/j1/cause', 'a')
  void keepDraft('answer/j1/cause', 'ab')
  endDraft('answer/j1/cause')
  await writing
  expect((await db.drafts.get('answer/j1/cause'))?.value).toBe('a')
  expect(homeless.value).toBe(false)
})
