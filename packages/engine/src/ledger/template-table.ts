import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { KernelSnapshot } from '@bulkhead/kernel'
import type { Writer } from './writer.ts'

export interface TemplateRow {
  /** Names its folder. */
  readonly id: string
  readonly shape: string
  readonly imageDigest: string
  /** Disk blocks the folder takes, in bytes. */
  readonly sizeBytes: number
  readonly createdAt: number
  readonly usedAt: number
  /** Found broken or crowded out while clones stood on it: it goes when the last of them has ended. */
  readonly retired: boolean
  readonly snapshot: KernelSnapshot
}

/** Its row is what makes a folder a template: written when the folder is whole, removed before the folder is. */
export class TemplateTable {
  readonly #db: DatabaseSync
  readonly #writer: Writer

  constructor(db: DatabaseSync, writer: Writer) {
    this.#db = db
    this.#writer = writer
  }

  /** The one to clone for this shape. */
  find(shape: string): TemplateRow | undefined {
    const row = this.#db
      .prepare('SELECT * FROM templates WHERE shape = ? AND NOT retired ORDER BY created_at DESC LIMIT 1')
      .get(shape)
    return row && parse(row)
  }

  /** Least recently used first. */
  list(): TemplateRow[] {
    return this.#db.prepare('SELECT * FROM templates ORDER BY used_at').all().map(parse)
  }

  insert(row: Omit<TemplateRow, 'retired'>): void {
    this.#writer.write(() =>
      this.#db
        .prepare(
          'INSERT INTO templates (id, shape, image_digest, size_bytes, created_at, used_at, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?)'
        )
        .run(row.id, row.shape, row.imageDigest, row.sizeBytes, row.createdAt, row.usedAt, JSON.stringify(row.snapshot))
    )
  }

  used(id: string, at: number): void {
    this.#writer.writeEnd(() => this.#db.prepare('UPDATE templates SET used_at = ? WHERE id = ?').run(at, id))
  }

  retire(id: string): void {
    this.#writer.writeEnd(() => this.#db.prepare('UPDATE templates SET retired = 1 WHERE id = ?').run(id))
  }

  remove(id: string): void {
    this.#writer.writeEnd(() => this.#db.prepare('DELETE FROM templates WHERE id = ?').run(id))
  }
}

function parse(row: Record<string, SQLOutputValue>): TemplateRow {
  return {
    id: row.id as string,
    shape: row.shape as string,
    imageDigest: row.image_digest as string,
    sizeBytes: row.size_bytes as number,
    createdAt: row.created_at as number,
    usedAt: row.used_at as number,
    retired: row.retired === 1,
    snapshot: JSON.parse(row.snapshot as string) as KernelSnapshot,
  }
}
