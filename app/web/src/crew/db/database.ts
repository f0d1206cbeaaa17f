import Dexie, { type Table as DexieTable } from 'dexie'
import { completed } from '@sync/outbox'
import { EPOCH, type ContentRow, type DocRow, type FileRow, type MetaRow, type OpRow, type PageRow } from '@sync/store'

/** A thing this tablet knows apart from synced records: who it is, its key, who is signed in, its choices. */
export interface SettingRow {
  key: string
  value: unknown
}

/** What was typed, drawn or photographed and is not yet an edit; so that nothing lives in memory alone. */
export interface DraftRow {
  key: string
  value: unknown
  at: number
}

/** The tablet's database. Its versions are only ever added to: a tablet may come back from months away. */
export class CrewDatabase extends Dexie {
  meta!: DexieTable<MetaRow, string>
  docs!: DexieTable<DocRow, string>
  ops!: DexieTable<OpRow, number>
  pages!: DexieTable<PageRow, number>
  files!: DexieTable<FileRow, string>
  contents!: DexieTable<ContentRow, string>
  settings!: DexieTable<SettingRow, string>
  drafts!: DexieTable<DraftRow, string>

  constructor(name = 'lamplighter-crew') {
    // Strict: a write is on the disk when it is called done, because tablets are switched off by pulling the battery.
    super(name, { chromeTransactionDurability: 'strict' })
    this.version(1).stores({
      meta: 'key',
      docs: 'key, entity, *buckets',
      ops: 'op_no, record, state, tag, attention',
      pages: 'n',
      files: 'sha256, record, state, tag',
      contents: 'sha256',
      settings: 'key',
      drafts: 'key',
    })
    // The first app wrote neither the shape of an edit nor its epoch into it; edits that wait from then get both.
    this.version(2).upgrade(async (transaction) => {
      const epoch = (await transaction.table<MetaRow, string>('meta').get(EPOCH))?.value as string | undefined
      await transaction
        .table<OpRow, number>('ops')
        .toCollection()
        .modify((row, at) => {
          at.value = completed(row, epoch ?? null)
        })
    })
  }
}
