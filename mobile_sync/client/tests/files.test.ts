import { describe, expect, test } from 'vitest'
import type { FileRow } from '../src'
import { badgeOf, badgesOf, Fault, outstanding, purge, FIELD_FILES } from '../src'
import { JOB, OTHER, FORM, server, here, edit, photo } from './one_tablet'
import { sha256, tablet } from './world'

describe('files', () => {
  test('[B9] text first, then signatures, then photos, smallest first; bytes stay until long after the receipt', async () => {
    const order: string[] = []
    const upload = here.link.upload.bind(here.link)
    here.link.upload = (file, ...rest) => {
      order.push(`${file.kind}:${file.size}`)
      return upload(file, ...rest)
    }
    await here.client.record([
      edit(FORM, { slot: 'a' }, { entity: 'attachment', kind: 'create', files: [photo('a large photo')] }),
      edit(OTHER, { slot: 'b' }, { entity: 'attachment', kind: 'create', files: [photo('small')] }),
      edit(JOB, { note: 'x' }, { files: [photo('signature strokes', 'signature', 'customer')] }),
    ])
    await here.client.sync()
    expect(here.link.requests[0]).toBe('push')
    expect(order).toEqual(['signature:17', 'photo:5', 'photo:13'])
    expect(await outstanding(here.storage)).toMatchObject({ files: {}, bytes: 0 })
    const bytes = () => here.storage.run('read', (tables) => tables.contents.all())
    expect(await bytes()).toHaveLength(3)
    await here.client.sync()
    server.at += FIELD_FILES.keep_verified - 1
    await here.client.sync()
    expect(await bytes()).toHaveLength(3)
    server.at += 1
    await here.client.sync()
    expect(await bytes()).toHaveLength(0)
    expect((await here.storage.run('read', (tables) => tables.files.all())).map((file) => file.purged)).toEqual([
      true,
      true,
      true,
    ])
  })

  test('[B9] a tablet whose clock is years ahead deletes nothing early, and the server says how long', async () => {
    server.keep_s = 60
    await here.client.record([edit(JOB, {}, { files: [photo('picture')] })])
    await here.client.sync()
    const bytes = () => here.storage.run('read', (tables) => tables.contents.all())
    here.clock.ms += 20 * 365 * 24 * 3_600_000
    server.at += 59_000
    await here.client.sync()
    expect(await bytes(), 'the receipt is dated by this answer').toHaveLength(1)
    server.at += 59_999
    await here.client.sync()
    expect(await bytes()).toHaveLength(1)
    server.at += 1
    await here.client.sync()
    expect(await bytes()).toHaveLength(0)
  })

  test('[B9] an unsent original is never deleted', async () => {
    here.link.upload = () => Promise.reject(new Fault('busy'))
    await here.client.record([edit(JOB, {}, { files: [photo('picture')] })])
    await here.client.sync()
    server.at += 10 * FIELD_FILES.keep_verified
    await here.client.sync()
    await here.client.change((tables) => purge(tables, { ...FIELD_FILES, keep_verified: 0 }))
    expect(await here.storage.run('read', (tables) => tables.contents.all())).toHaveLength(1)
  })

  test('[B9] in another life of the server no receipt counts: the file is offered again', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('picture')] })])
    await here.client.sync()
    await here.client.sync()
    server.stored.clear()
    server.epoch = 'e2'
    await here.client.sync()
    expect(server.stored.get(sha256('picture'))).toBe('picture')
    expect(await outstanding(here.storage)).toMatchObject({ files: {} })
  })

  test('[B10] among files of one kind those that are wanted soonest go first', async () => {
    const order: string[] = []
    const rules = {
      ...FIELD_FILES,
      urgency: (_: unknown, file: FileRow) => Promise.resolve(file.tag === 'gas' ? 0 : 1),
    }
    const asked = tablet(server, here.storage, here.clock, rules)
    asked.link.upload = (file) => {
      order.push(`${file.kind} ${file.tag}`)
      return Promise.resolve()
    }
    await asked.client.record([
      edit(FORM, {}, { tag: 'meter', files: [photo('a'), photo('b', 'thumb')] }),
      edit(JOB, {}, { tag: 'gas', files: [photo('a longer one'), photo('c', 'thumb'), photo('s', 'signature')] }),
    ])
    await asked.client.sync()
    expect(order).toEqual(['signature gas', 'thumb gas', 'thumb meter', 'photo gas', 'photo meter'])
  })

  test('[B5] an upload that was cut goes on where the server stands', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('0123456789abcdef')] })])
    let patches = 0
    here.link.weather = () => (here.link.requests.at(-1) === 'patch' && ++patches === 3 ? 'unanswered' : 'fair')
    expect((await here.client.sync()).kind).toBe('fault')
    expect(server.stored.get(sha256('0123456789abcdef'))).toBe('0123456789ab')
    await here.client.sync()
    expect(patches).toBe(4)
    expect(server.stored.get(sha256('0123456789abcdef'))).toBe('0123456789abcdef')
  })

  test('[B6] a file is verified by the server’s word alone', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('whole')] })])
    here.link.upload = () => Promise.resolve()
    await here.client.sync()
    expect(await outstanding(here.storage)).toMatchObject({ files: { photo: 1 }, bytes: 5 })
  })

  test('a refused file is parked with its reason and the others pass', async () => {
    await here.client.record([edit(JOB, {}, { files: [photo('evil'), photo('good')] })])
    const upload = here.link.upload.bind(here.link)
    here.link.upload = (file, ...rest) =>
      file.sha256 === sha256('evil')
        ? Promise.reject(new Fault('refused', { code: 'not_an_image' }))
        : upload(file, ...rest)
    await here.client.sync()
    const files = await here.storage.run('read', (tables) => tables.files.all())
    expect(Object.fromEntries(files.map((file) => [file.size + file.state, file.error?.code]))).toMatchObject({
      '4refused': 'not_an_image',
      '4verified': undefined,
    })
    expect(badgeOf([], files, null)).toBe('rejected')
  })
  test('a list is told the badges of all its rows at once, by tag', async () => {
    const told = (): Promise<unknown> =>
      here.storage.run('read', async ({ ops, files }) =>
        Object.fromEntries(badgesOf(await ops.all(), await files.all(), sha256('big'))),
      )
    await here.client.record([edit(JOB, { note: 'x' }, { tag: 'one' })])
    await here.client.record([edit(JOB, {}, { tag: 'two', files: [photo('big')] })])
    expect(await told()).toEqual({ one: 'pending', two: 'sending' })
    await here.client.sync()
    expect(await told()).toEqual({ one: 'synced', two: 'synced' })
  })
})
