import Dexie, { type Table as DexieTable } from 'dexie'
import type { IndexedTable, SyncStorage, Tables } from '@sync/store'
import type { CrewDatabase } from './database'

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

/** The engine's storage over IndexedDB. A transaction covers the drafts too, so an edit can replace its draft. */
export class DexieStorage implements SyncStorage {
  readonly tables: Tables

  constructor(private readonly db: CrewDatabase) {
    this.tables = {
      meta: new Indexed(db.meta),
      docs: new Indexed(db.docs),
      ops: new Indexed(db.ops),
      pages: new Indexed(db.pages),
      files: new Indexed(db.files),
      contents: new Indexed(db.contents),
    }
  }

  async run<T>(mode: 'read' | 'write', work: (tables: Tables) => Promise<T>): Promise<T> {
    try {
      return await this.transact(mode, work)
    } catch (error) {
      // WebKit loses the connection after a time in the background; once reopened it works again.
      if (!(error instanceof Dexie.DatabaseClosedError)) throw error
      await this.db.open()
      return this.transact(mode, work)
    }
  }

  private transact<T>(mode: 'read' | 'write', work: (tables: Tables) => Promise<T>): Promise<T> {
    const { meta, docs, ops, pages, files, contents, drafts } = this.db
    const scope = [meta, docs, ops, pages, files, contents, drafts]
    // Dexie follows native `await`s only where it sees an async function; without it a transaction ends too early.
    return this.db.transaction(mode === 'read' ? 'r' : 'rw', scope, async () =>
      work(this.tables),
    ) as unknown as Promise<T>
  }
}
