/** One tablet and a server with one job, anew for each test: what most tests of the engine begin with. */

import { beforeEach } from 'vitest'
import type { Doc, Edit, OpResult, OpRow } from '../src'
import { view } from '../src'
import type { Tablet } from './world'
import { sha256, tablet, TestServer } from './world'

export const JOB = '018f0000-0000-7000-8000-000000000001'
export const OTHER = '018f0000-0000-7000-8000-000000000002'
export const FORM = '018f0000-0000-7000-8000-00000000000f'

export let server: TestServer
export let here: Tablet

beforeEach(() => {
  server = new TestServer()
  server.write('job', JOB, { state: 'assigned', note: null })
  here = tablet(server)
})

export const edit = (id: string, fields: Edit['fields'], more: Partial<Edit> = {}): Edit => ({
  entity: 'job',
  rec_id: id,
  kind: 'update',
  fields,
  ...more,
})
export const photo = (text: string, kind = 'photo', slot = 'before'): NonNullable<Edit['files']>[number] => ({
  ref: { sha256: sha256(text), size: text.length, mime: 'image/jpeg', kind, slot },
  bytes: text,
})
export const seen = async (id: string, entity = 'job'): Promise<Doc | undefined> =>
  (await here.client.read((tables) => view(tables, entity, id)))?.doc
export const ops = (): Promise<OpRow[]> => here.storage.run('read', (tables) => tables.ops.all())
export const rejecting = (code: string) => (): Partial<OpResult> => ({ status: 'rejected', problem: { code } })
