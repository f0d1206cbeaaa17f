import Dexie, { type Table as DexieTable, type Transaction } from 'dexie'
import type { Also, IndexedTable, SyncStorage, Table, Tables } from '@sync/store'
import { Fault } from '@sync/world'
import type { CrewDatabase, DraftRow } from './database'
import { isFull } from './full'

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

const NAMES = ['meta', 'docs', 'ops', 'pages', 'files', 'contents'] as const
/** Held by no transaction but those that end a draft: a keystroke does not wait until a long pull is written. */
const DRAFTS = 'drafts'

/**
 * Tables bound to one transaction. Dexie otherwise finds the transaction by following promises, and loses it behind
 * nested async functions: writes would then stand outside the transaction that is meant to hold them together.
 */
function bound(transaction: Transaction): Tables {
  const table = <Row, Key extends string | number>(name: string): Indexed<Row, Key> =>
    new Indexed(transaction.table<Row, Key>(name))
  return {
    meta: table('meta'),
    docs: table('docs'),
    ops: table('ops'),
    pages: table('pages'),
    files: table('files'),
    contents: table('contents'),
  }
}

/** The engine's storage over IndexedDB. */
export class DexieStorage implements SyncStorage {
  constructor(private readonly db: CrewDatabase) {}

  async run<T>(mode: 'read' | 'write', work: (tables: Tables) => Promise<T>, also?: Also): Promise<T> {
    try {
      return await this.transact(mode, work, also)
    } catch (error) {
      if (isFull(error)) throw new Fault('full', { code: 'storage_full' })
      // WebKit loses the connection after a time in the background; once reopened it works again.
      if (!(error instanceof Dexie.DatabaseClosedError)) throw error
      await this.db.open()
      return this.transact(mode, work, also)
    }
  }

  private async transact<T>(
    mode: 'read' | 'write',
    work: (tables: Tables) => Promise<T>,
    also: Also | undefined,
  ): Promise<T> {
    const names = also === undefined ? NAMES : [...NAMES, DRAFTS]
    return this.db.transaction(mode === 'read' ? 'r' : 'rw', names, async (transaction) => {
      const tables = bound(transaction)
      const answer = await work(tables)
      if (also !== undefined) {
        const crew: CrewTables = { ...tables, drafts: new Indexed(transaction.table<DraftRow, string>(DRAFTS)) }
        await also(crew)
      }
      return answer
    })
  }
}

/** Removal of a draft for `Keeping.also`. */
export function draftRemoval(key: string): Also {
  return (tables) => (tables as CrewTables).drafts.delete(key)
}
