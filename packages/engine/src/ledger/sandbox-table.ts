import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { KernelHandle } from '@bulkhead/kernel'
import { canBecome, hasEnded } from '@bulkhead/sandbox'
import { failure, type IsolationClass, type RuntimeName, type Sandbox, type SandboxState } from '@bulkhead/wire'
import type { Writer } from './writer.ts'

/** Whose a kernel is: a caller's, nobody's yet (made in advance), or one that is booted to be frozen into a template. */
export type Role = 'sandbox' | 'pool' | 'template'

/** What a caller chooses of a sandbox; the rest follows from its shape. */
export interface Terms {
  readonly image: string
  readonly metadata: Sandbox['metadata']
  readonly deadlineAt: number | undefined
}

export interface SandboxRow extends Terms {
  readonly id: string
  /** Goes up with every change. A change made from an older reading is refused: what arrives late does nothing. */
  readonly generation: number
  readonly role: Role
  readonly state: SandboxState
  readonly reason: string | undefined
  /** Key of everything that makes two sandboxes interchangeable; see `shape.ts`. */
  readonly shape: string
  readonly imageDigest: string
  readonly runtime: RuntimeName
  readonly isolation: IsolationClass
  readonly memoryBytes: number
  readonly cpus: number
  readonly diskBytes: number
  readonly origin: Sandbox['origin']
  readonly createdAt: number
  readonly endedAt: number | undefined
  readonly uidSlot: number | undefined
  readonly template: string | undefined
  readonly handle: KernelHandle | undefined
}

/** What tells whose a sandbox is and whether it runs, without the columns that may be large. */
export type SandboxSummary = Pick<SandboxRow, 'role' | 'state' | 'reason' | 'endedAt'>

export type NewSandboxRow = Omit<SandboxRow, 'generation' | 'state' | 'reason' | 'endedAt' | 'uidSlot' | 'handle'>

/** What may change of a row. A key that is given as undefined clears the column. */
export type SandboxChanges = Partial<
  Pick<
    SandboxRow,
    'role' | 'reason' | 'image' | 'metadata' | 'deadlineAt' | 'origin' | 'createdAt' | 'template' | 'handle'
  >
>

/** A change made from a reading that something else has overtaken. Never leaves the engine. */
export class StaleGeneration extends Error {
  override readonly name = 'StaleGeneration'
}

const columns: Readonly<Record<keyof SandboxChanges, string>> = {
  role: 'role',
  reason: 'reason',
  image: 'image',
  metadata: 'metadata',
  deadlineAt: 'deadline_at',
  origin: 'origin',
  createdAt: 'created_at',
  template: 'template',
  handle: 'handle',
}

export class SandboxTable {
  readonly #writer: Writer
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync, writer: Writer) {
    this.#db = db
    this.#writer = writer
  }

  get(id: string): SandboxRow | undefined {
    const row = this.#prepare('SELECT * FROM sandboxes WHERE id = ?').get(id)
    return row && parse(row)
  }

  /** Costs the same however much its caller has stored with it. */
  summary(id: string): SandboxSummary | undefined {
    const row = this.#prepare('SELECT role, state, reason, ended_at FROM sandboxes WHERE id = ?').get(id)
    if (!row) return undefined
    const { role, state, reason, ended_at } = row as unknown as Columns
    return { role, state, reason: reason ?? undefined, endedAt: ended_at ?? undefined }
  }

  /** Newest first; every role. */
  living(): SandboxRow[] {
    return this.#prepare('SELECT * FROM sandboxes WHERE ended_at IS NULL ORDER BY created_at DESC, rowid DESC')
      .all()
      .map(parse)
  }

  /** Those that have ended but of which something may still be on the host; every role. */
  uncleared(): SandboxRow[] {
    return this.#prepare('SELECT * FROM sandboxes WHERE ended_at IS NOT NULL AND uid_slot IS NOT NULL').all().map(parse)
  }

  /** How many of the callers' are being removed, or have a deadline that someone must keep. Those being made do not count. */
  busy(): number {
    const row = this.#prepare(
      `SELECT COUNT(*) AS busy FROM sandboxes WHERE role = 'sandbox' AND state <> 'creating' AND (
         (ended_at IS NULL AND (state = 'stopping' OR deadline_at IS NOT NULL))
         OR (ended_at IS NOT NULL AND uid_slot IS NOT NULL))`
    ).get() as { busy: number }
    return row.busy
  }

  /** Callers' sandboxes, newest first. */
  list(options: { ended: boolean }): SandboxRow[] {
    return this.#prepare(
      `SELECT * FROM sandboxes WHERE role = 'sandbox' AND (ended_at IS NULL OR ?) ORDER BY created_at DESC, rowid DESC`
    )
      .all(options.ended ? 1 : 0)
      .map(parse)
  }

  /** Living sandboxes whose deadline is not after `now`. */
  due(now: number): SandboxRow[] {
    return this.#prepare('SELECT * FROM sandboxes WHERE deadline_at <= ? AND ended_at IS NULL').all(now).map(parse)
  }

  /** The nearest deadline of a living sandbox. */
  nextDeadline(): number | undefined {
    return this.#minimum(
      'SELECT MIN(deadline_at) AS at FROM sandboxes WHERE deadline_at IS NOT NULL AND ended_at IS NULL'
    )
  }

  /** When that one ended which can be forgotten first. */
  firstEnd(): number | undefined {
    return this.#minimum('SELECT MIN(ended_at) AS at FROM sandboxes WHERE ended_at IS NOT NULL AND uid_slot IS NULL')
  }

  /**
   * Records that a sandbox is being made, with a uid slot no living one has: the lowest free one.
   * Fails `capacity_exhausted` when all `uidSlots` are taken.
   */
  insert(row: NewSandboxRow, uidSlots: number): SandboxRow {
    const slot = this.#freeSlot(uidSlots)
    this.#writer.write(() =>
      this.#prepare(
        `INSERT INTO sandboxes (id, generation, role, state, shape, image, image_digest, runtime, isolation, memory_bytes, cpus,
           disk_bytes, metadata, origin, created_at, deadline_at, uid_slot, template)
         VALUES (?, 1, ?, 'creating', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
      ).run(
        row.id,
        row.role,
        row.shape,
        row.image,
        row.imageDigest,
        row.runtime,
        row.isolation,
        row.memoryBytes,
        row.cpus,
        row.diskBytes,
        JSON.stringify(row.metadata),
        row.origin,
        row.createdAt,
        row.deadlineAt ?? null,
        slot,
        row.template ?? null
      )
    )
    return this.#reread(row.id)
  }

  /** Records a new state before it comes about. `StaleGeneration` when the row has changed since it was read. */
  transition(row: SandboxRow, to: SandboxState, changes: SandboxChanges = {}): SandboxRow {
    if (!canBecome(row.state, to)) throw new TypeError(`a sandbox that is ${row.state} cannot become ${to}`)
    return this.#change(row, { ...changes }, to)
  }

  update(row: SandboxRow, changes: SandboxChanges): SandboxRow {
    return this.#change(row, changes, row.state)
  }

  /** Nothing of it is left on the host: its uid may be given to another. Its secrets are forgotten with its handle. */
  releaseResources(id: string): void {
    this.#writer.writeEnd(() =>
      this.#prepare(
        'UPDATE sandboxes SET uid_slot = NULL, handle = NULL, generation = generation + 1 WHERE id = ?'
      ).run(id)
    )
  }

  remove(id: string): void {
    this.#writer.writeEnd(() => this.#prepare('DELETE FROM sandboxes WHERE id = ?').run(id))
  }

  /** Forgets sandboxes that ended at or before `endedAt`. */
  prune(endedAt: number): void {
    this.#writer.writeEnd(() =>
      this.#prepare('DELETE FROM sandboxes WHERE ended_at <= ? AND uid_slot IS NULL').run(endedAt)
    )
  }

  /** Forgets all sandboxes that have ended but the newest `count`. */
  keepNewest(count: number): void {
    this.#writer.writeEnd(() =>
      this.#prepare(
        `DELETE FROM sandboxes WHERE rowid IN (SELECT rowid FROM sandboxes WHERE ended_at IS NOT NULL AND uid_slot IS NULL
           ORDER BY ended_at DESC, rowid DESC LIMIT -1 OFFSET ?)`
      ).run(count)
    )
  }

  #change(row: SandboxRow, changes: SandboxChanges, to: SandboxState): SandboxRow {
    const names = Object.keys(changes) as (keyof SandboxChanges)[]
    const set = names.map((name) => `${columns[name]} = ?, `).join('')
    const values = names.map((name) => encode(changes[name]))
    const ending = to === 'stopping' || hasEnded(to)
    const write = ending ? this.#writer.writeEnd.bind(this.#writer) : this.#writer.write.bind(this.#writer)
    const { changes: changed } = write(() =>
      this.#prepare(
        `UPDATE sandboxes SET ${set}state = ?, ended_at = ?, generation = generation + 1 WHERE id = ? AND generation = ?`
      ).run(...values, to, hasEnded(to) ? Date.now() : null, row.id, row.generation)
    )
    if (changed !== 1) throw new StaleGeneration(`${row.id} is no longer at generation ${row.generation}`)
    return this.#reread(row.id)
  }

  #reread(id: string): SandboxRow {
    const row = this.get(id)
    if (!row) throw new StaleGeneration(`${id} is gone`)
    return row
  }

  #freeSlot(uidSlots: number): number {
    const rows = this.#prepare(
      'SELECT uid_slot AS slot FROM sandboxes WHERE uid_slot IS NOT NULL ORDER BY uid_slot'
    ).all()
    let free = 0
    for (const { slot } of rows) {
      if (slot !== free) break
      free += 1
    }
    if (free >= uidSlots) throw failure('capacity_exhausted', { resource: 'user ids', needed: 1, available: 0 })
    return free
  }

  #minimum(query: string): number | undefined {
    const { at } = this.#prepare(query).get() as { at: number | null }
    return at ?? undefined
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text)
    if (known) return known
    const statement = this.#db.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }
}

const encode = (value: SandboxChanges[keyof SandboxChanges]): string | number | null =>
  value === undefined ? null : typeof value === 'object' ? JSON.stringify(value) : value

/** A row as SQLite gives it. The ledger is written by this program alone, at this schema version: columns are taken at their word. */
interface Columns {
  id: string
  generation: number
  role: Role
  state: SandboxState
  reason: string | null
  shape: string
  image: string
  image_digest: string
  runtime: RuntimeName
  isolation: IsolationClass
  memory_bytes: number
  cpus: number
  disk_bytes: number
  metadata: string
  origin: Sandbox['origin']
  created_at: number
  deadline_at: number | null
  ended_at: number | null
  uid_slot: number | null
  template: string | null
  handle: string | null
}

function parse(row: Record<string, SQLOutputValue>): SandboxRow {
  const columns = row as unknown as Columns
  return {
    id: columns.id,
    generation: columns.generation,
    role: columns.role,
    state: columns.state,
    reason: columns.reason ?? undefined,
    shape: columns.shape,
    image: columns.image,
    imageDigest: columns.image_digest,
    runtime: columns.runtime,
    isolation: columns.isolation,
    memoryBytes: columns.memory_bytes,
    cpus: columns.cpus,
    diskBytes: columns.disk_bytes,
    metadata: JSON.parse(columns.metadata) as Sandbox['metadata'],
    origin: columns.origin,
    createdAt: columns.created_at,
    deadlineAt: columns.deadline_at ?? undefined,
    endedAt: columns.ended_at ?? undefined,
    uidSlot: columns.uid_slot ?? undefined,
    template: columns.template ?? undefined,
    handle: columns.handle === null ? undefined : (JSON.parse(columns.handle) as KernelHandle),
  }
}
