/** A storage in memory that keeps the transaction promise: for tests, and for looking at the contract. */

import type {
  Also,
  ContentRow,
  DocRow,
  FileRow,
  IndexedTable,
  MetaRow,
  OpRow,
  PageRow,
  SyncStorage,
  Tables,
} from './store'

type Rows = Map<string | number, unknown>
const NAMES = ['meta', 'docs', 'ops', 'pages', 'files', 'contents'] as const
const KEYS: Record<(typeof NAMES)[number], string> = {
  meta: 'key',
  docs: 'key',
  ops: 'op_no',
  pages: 'n',
  files: 'sha256',
  contents: 'sha256',
}

/** Called before each read or write; throwing there is a process that dies at that step. */
export type Fuse = (step: string) => void

class MemoryTable<Row extends object, Key extends string | number> implements IndexedTable<Row, Key, string> {
  constructor(
    private readonly rows: Rows,
    private readonly keyName: string,
    private readonly fuse: Fuse,
  ) {}

  async get(key: Key): Promise<Row | undefined> {
    this.fuse('get')
    return copy(this.rows.get(key) as Row | undefined)
  }

  async put(row: Row): Promise<void> {
    this.fuse('put')
    this.rows.set((row as Record<string, string | number>)[this.keyName] as Key, copy(row))
  }

  async delete(key: Key): Promise<void> {
    this.fuse('delete')
    this.rows.delete(key)
  }

  async all(): Promise<Row[]> {
    return this.where('all', () => true)
  }

  async from(key: Key): Promise<Row[]> {
    return this.where('from', (row) => (row[this.keyName] as Key) >= key)
  }

  async by(index: string, value: string): Promise<Row[]> {
    return this.where('by', (row) => {
      const at = row[index]
      return Array.isArray(at) ? at.includes(value) : at === value
    })
  }

  private where(step: string, fits: (row: Record<string, unknown>) => boolean): Row[] {
    this.fuse(step)
    const found = [...this.rows.values()].filter((row) => fits(row as Record<string, unknown>)) as Row[]
    const keyOf = (row: Row): Key => (row as Record<string, unknown>)[this.keyName] as Key
    return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map(copy)
  }
}

/** Bytes stay what they are; rows are copied so that nobody holds a piece of the database. */
function copy<T>(row: T): T {
  if (row === undefined || typeof row !== 'object' || row === null) return row
  const bytes = (row as { bytes?: unknown }).bytes
  const plain = JSON.parse(JSON.stringify({ ...row, bytes: undefined })) as T & { bytes?: unknown }
  if (bytes !== undefined) plain.bytes = bytes
  return plain
}

export class MemoryStorage implements SyncStorage {
  private committed = new Map<string, Rows>(NAMES.map((name) => [name, new Map()]))
  private last: Promise<unknown> = Promise.resolve()
  fuse: Fuse = () => undefined

  run<T>(mode: 'read' | 'write', work: (tables: Tables) => Promise<T>, also?: Also): Promise<T> {
    const turn = this.last.then(() => this.transact(mode, work, also))
    this.last = turn.catch(() => undefined)
    return turn
  }

  private async transact<T>(
    mode: 'read' | 'write',
    work: (tables: Tables) => Promise<T>,
    also: Also | undefined,
  ): Promise<T> {
    const draft = new Map([...this.committed].map(([name, rows]) => [name, new Map(rows)]))
    const tables = this.tables(draft)
    const answer = await work(tables)
    await also?.(tables)
    this.fuse('commit')
    if (mode === 'write') this.committed = draft
    return answer
  }

  private tables(draft: Map<string, Rows>): Tables {
    const table = <Row extends object, Key extends string | number>(name: (typeof NAMES)[number]) =>
      new MemoryTable<Row, Key>(draft.get(name) as Rows, KEYS[name], this.fuse)
    return {
      meta: table<MetaRow, string>('meta'),
      docs: table<DocRow, string>('docs'),
      ops: table<OpRow, number>('ops'),
      pages: table<PageRow, number>('pages'),
      files: table<FileRow, string>('files'),
      contents: table<ContentRow, string>('contents'),
    }
  }
}
