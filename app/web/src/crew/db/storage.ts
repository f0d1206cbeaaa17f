import Dexie, { type Table as DexieTable, type Transaction } from 'dexie'
import type { IndexedTable, SyncStorage, Table, Tables } from '@sync/store'
import type { CrewDatabase, DraftRow } from './database'

class Indexed<Row, Key extends string | number> implements IndexedTable<Row, Key, string> {
  constructor(private readonly table: DexieTable<Row, Key>) {}

  get(key: Key): Promise<Row | undefined> {
    return this.table.get(key) as unknown as Promise<Row | undefined>
  }

  async put(row: Row): Promise<void> {
    await this.table.put(row)
  }

  async delete(key: Key): Promise<void> {
    await this.table.delete(key)
  }

  all(): Promise<Row[]> {
    return this.table.toArray() as unknown as Promise<Row[]>
  }

  by(index: string, value: string): Promise<Row[]> {
    return this.table.where(index).equals(value).toArray() as unknown as Promise<Row[]>
  }

  from(key: Key): Promise<Row[]> {
    return this.table.where(':id').aboveOrEqual(key).toArray() as unknown as Promise<Row[]>
  }
}

/** The engine's tables and the drafts, so that an edit can end its draft in the same transaction. */
export interface CrewTables extends Tables {
  drafts: Table<DraftRow, string>
}

const NAMES = ['meta', 'docs', 'ops', 'pages', 'files', 'contents', 'drafts'] as const

/**
 * Tables bound to one transaction. Dexie otherwise finds the transaction by following promises, and loses it behind
 * nested async functions: writes would then stand outside the transaction that is meant to hold them together.
 */
function bound(transaction: Transaction): CrewTables {
  const table = <Row, Key extends string | number>(name: (typeof NAMES)[number]): Indexed<Row, Key> =>
    new Indexed(transaction.table<Row, Key>(name))
  return {
    meta: table('meta'),
    docs: table('docs'),
    ops: table('ops'),
    pages: table('pages'),
    files: table('files'),
    contents: table('contents'),
    drafts: table('drafts'),
  }
}

/** The engine's storage over IndexedDB. */
export class DexieStorage implements SyncStorage {
  constructor(private readonly db: CrewDatabase) {}

  async run<T>(mode: 'read' | 'write', work: (tables: CrewTables) => Promise<T>): Promise<T> {
    try {
      return await this.transact(mode, work)
    } catch (error) {
      // WebKit loses the connection after a time in the background; once reopened it works again.
      if (!(error instanceof Dexie.DatabaseClosedError)) throw error
      await this.db.open()
      return this.transact(mode, work)
    }
  }

  private async transact<T>(mode: 'read' | 'write', work: (tables: CrewTables) => Promise<T>): Promise<T> {
    return this.db.transaction(mode === 'read' ? 'r' : 'rw', [...NAMES], async (transaction) =>
      work(bound(transaction)),
    )
  }
}

/** Removal of a draft for `Keeping.also`. */
export function endDraft(key: string): (tables: Tables) => Promise<void> {
  return (tables) => (tables as CrewTables).drafts.delete(key)
}
