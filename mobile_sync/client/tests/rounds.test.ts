import { describe, expect, test, vi } from 'vitest'
import { Fault, outstanding } from '../src'
import { JOB, server, here, edit, photo } from './one_tablet'
import { tablet } from './world'

describe('rounds', () => {
  test('[W10] one failure does not put the queue to sleep: a wake-up is always armed', async () => {
    let fail = 3
    here.link.weather = () => (fail-- > 0 ? 'busy' : 'fair')
    await here.client.record([edit(JOB, { note: 'x' })])
    here.client.start()
    for (let n = 0; n < 6; n++) {
      await here.client.sync().catch(() => undefined)
      expect(here.clock.armed).toBe(1)
      here.clock.advance(301_000)
    }
    expect(server.ledger.size).toBe(1)
    here.client.stop()
    expect(here.clock.armed).toBe(0)
  })

  test('[W10] a device that cannot write does not put the queue to sleep either', async () => {
    const run = here.storage.run.bind(here.storage) as (...given: unknown[]) => Promise<unknown>
    let full = false
    Object.assign(here.storage, {
      run: (mode: string, ...rest: unknown[]) =>
        full && mode === 'write' ? Promise.reject(new Error('the disk is full')) : run(mode, ...rest),
    })
    here.client.start()
    await here.client.sync()
    full = true
    here.clock.advance(61_000)
    await expect(here.client.sync()).rejects.toThrow('the disk is full')
    expect(here.clock.armed).toBe(1)
    expect(here.client.phase).toBe('idle')

    full = false
    await here.client.record([edit(JOB, { note: 'x' })])
    await here.client.sync()
    expect(server.ledger.size).toBe(1)
    here.client.stop()
  })

  test('[W7] an expired sign-in stops the round, says so, and keeps everything', async () => {
    await here.client.record([edit(JOB, { note: 'x' }, { files: [photo('p')] })])
    here.link.push = () => Promise.reject(new Fault('auth', { code: 'token_expired', status: 401 }))
    expect(await here.client.sync()).toMatchObject({ kind: 'fault', fault: 'auth' })
    expect(await outstanding(here.storage)).toMatchObject({ ops: 1, files: { photo: 1 } })
    await here.client.record([edit(JOB, { note: 'y' })])
    expect((await outstanding(here.storage)).ops).toBe(2)
  })

  test('only one sender at a time, and the second says so', async () => {
    const [first, second] = [tablet(server, here.storage), tablet(server, here.storage)]
    const locks = { only: () => Promise.resolve(null) }
    Object.assign(second.client['parts'], { locks })
    expect((await second.client.sync()).kind).toBe('elsewhere')
    expect((await first.client.sync()).kind).toBe('done')
  })

  test('[P18] what a second page kept while the first was sending goes as soon as that is done', async () => {
    const [first, second] = [tablet(server, here.storage), tablet(server, here.storage)]
    second.client['parts'].locks = first.client['parts'].locks
    const pull = first.link.pull
    let release = (): void => undefined
    first.link.pull = async (body) => {
      await new Promise<void>((resolve) => (release = resolve))
      return pull(body)
    }
    first.client.start()
    await vi.waitFor(() => expect(first.client.phase).toBe('pulling'))
    second.client.start()
    await second.client.record([edit(JOB, { finding: 'fuse' })])
    expect(await second.client.sync()).toEqual({ kind: 'elsewhere' })
    expect(server.ledger.size).toBe(0)
    first.link.pull = pull
    release()
    await vi.waitFor(() => expect(server.ledger.size).toBe(1))
    expect(second.link.requests).toContain('push')
    first.client.stop()
    second.client.stop()
  })

  test('a device without room says so, waits, and blames neither link nor server', async () => {
    await here.client.sync()
    const run = here.storage.run.bind(here.storage) as (...given: unknown[]) => Promise<unknown>
    const none = (mode: string, ...rest: unknown[]) =>
      mode === 'write' ? Promise.reject(new Fault('full', { code: 'storage_full' })) : run(mode, ...rest)
    Object.assign(here.storage, { run: none })
    expect(await here.client.sync()).toMatchObject({ kind: 'fault', fault: 'full' })
    expect(here.client.link.link).toBe('online')
    Object.assign(here.storage, { run })
    expect((await here.client.sync()).kind).toBe('done')
  })

  test('an edit does not wait behind a large file: it goes between two chunks, and no byte goes twice', async () => {
    await here.client.sync() // no op goes before a life was heard of
    await here.client.record([edit(JOB, {}, { files: [photo('a photo of many chunks')] })])
    const upload = here.link.upload.bind(here.link)
    let chunks = 0
    here.link.upload = async (file, bytes, at, sent) => {
      for (let offset = at.offset; offset < file.size; offset += 4) {
        await upload(file, bytes, { ...at, offset }, () => false)
        chunks += 1
        if (chunks === 2) await here.client.record([edit(JOB, { note: 'meanwhile' })])
        if (!sent(offset + 4)) return
      }
    }
    await here.client.sync()
    const named = here.link.requests.filter((name) => name === 'push' || name === 'patch')
    expect(named).toEqual(['push', 'patch', 'patch', 'push', 'patch', 'patch', 'patch', 'patch'])
    expect(await outstanding(here.storage)).toMatchObject({ ops: 0, files: {} })
  })

  test('an edit made while files go up is sent before the next file', async () => {
    await here.client.sync() // no op goes before a life was heard of
    await here.client.record([edit(JOB, {}, { files: [photo('first photo'), photo('a much longer second photo')] })])
    const upload = here.link.upload.bind(here.link)
    here.link.upload = async (file, ...rest) => {
      await upload(file, ...rest)
      if (file.size === 11) await here.client.record([edit(JOB, { note: 'meanwhile' })])
    }
    await here.client.sync()
    const named = here.link.requests.filter((name) => name === 'push' || name === 'patch')
    expect(named.slice(0, 5)).toEqual(['push', 'patch', 'patch', 'patch', 'push'])
    expect((await outstanding(here.storage)).ops).toBe(0)
  })
})
