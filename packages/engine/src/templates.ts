import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelSnapshot } from '@bulkhead/kernel'
import { newId } from '@bulkhead/sandbox'
import type { Logger } from './config.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { TemplateRow } from './ledger/template-table.ts'
import type { Shape } from './shape.ts'
import { SingleFlight } from './single-flight.ts'

export interface TemplatesOptions {
  readonly ledger: Ledger
  readonly directory: string
  readonly maxBytes: number
  readonly log: Logger
  /** Boots a kernel of this shape, freezes it into the (empty) folder and ends it. */
  readonly freeze: (shape: Shape, into: string, signal: AbortSignal) => Promise<KernelSnapshot>
}

/** A template that stays as long as this is held. */
export interface TemplateLease extends Disposable {
  readonly id: string
  readonly snapshot: KernelSnapshot
}

/**
 * Snapshots that sandboxes are cloned from: one for each shape, made when first needed. A template exists whole or not at all: the folder
 * is written and flushed first, the ledger's row makes it a template. A folder without a row is what a killed server left.
 */
export class Templates {
  readonly #options: TemplatesOptions
  readonly #building = new SingleFlight<TemplateRow>()
  readonly #leases = new Map<string, number>()

  constructor(options: TemplatesOptions) {
    this.#options = options
  }

  /** The template of this shape; built when there is none, once for all who wait for it. */
  async lease(shape: Shape, signal: AbortSignal): Promise<TemplateLease> {
    const { ledger } = this.#options
    const row =
      ledger.templates.find(shape.key) ??
      (await this.#building.run(shape.key, signal, (flight) => this.#build(shape, flight)))
    // It may have been retired while we were told of it; the lease below still keeps its folder.
    this.#leases.set(row.id, (this.#leases.get(row.id) ?? 0) + 1)
    ledger.templates.used(row.id, Date.now())
    return {
      id: row.id,
      snapshot: row.snapshot,
      [Symbol.dispose]: () => {
        const left = (this.#leases.get(row.id) ?? 1) - 1
        if (left > 0) this.#leases.set(row.id, left)
        else this.#leases.delete(row.id)
      },
    }
  }

  /** Never clones it again: it is broken, crowded out, or its image goes. Its folder goes with the last clone. */
  retire(id: string): void {
    this.#options.ledger.templates.retire(id)
  }

  retireImage(digest: string): void {
    for (const row of this.#options.ledger.templates.list()) if (row.imageDigest === digest) this.retire(row.id)
  }

  /** Removes retired templates that no clone stands on. */
  async collect(): Promise<void> {
    const { ledger, log } = this.#options
    // Looked at anew for each: while one is removed a clone may have come up on another.
    const isUsed = (id: string) => ledger.sandboxes.living().some((row) => row.template === id)
    for (const row of ledger.templates.list()) {
      if (!row.retired || this.#leases.has(row.id) || isUsed(row.id)) continue
      ledger.templates.remove(row.id)
      await rm(this.#folder(row.id), { recursive: true, force: true })
      log.info({ templateId: row.id, sizeBytes: row.sizeBytes }, 'template.remove')
    }
  }

  /** At start: folders without a row and rows without a folder go. */
  async sweep(): Promise<void> {
    const { ledger, directory } = this.#options
    const rows = new Set(ledger.templates.list().map((row) => row.id))
    const folders = new Set(await readdir(directory))
    for (const id of rows) if (!folders.has(id)) ledger.templates.remove(id)
    for (const name of folders) if (!rows.has(name)) await rm(join(directory, name), { recursive: true, force: true })
    await this.collect()
  }

  /** Resolves when none is being built. */
  idle(): Promise<void> {
    return this.#building.idle()
  }

  async #build(shape: Shape, signal: AbortSignal): Promise<TemplateRow> {
    const { ledger, log, freeze } = this.#options
    const startedAt = performance.now()
    const id = newId('tp')
    const folder = this.#folder(id)
    await using undo = new AsyncDisposableStack()
    undo.defer(() => rm(folder, { recursive: true, force: true }))
    await mkdir(folder, { mode: 0o711 })
    const snapshot = await freeze(shape, folder, signal)
    const sizeBytes = await flushTree(folder)
    signal.throwIfAborted()
    const now = Date.now()
    ledger.templates.insert({
      id,
      shape: shape.key,
      imageDigest: shape.image.digest,
      sizeBytes,
      createdAt: now,
      usedAt: now,
      snapshot,
    })
    undo.move()
    const durationMs = Math.round(performance.now() - startedAt)
    log.info({ templateId: id, runtime: shape.runtime, sizeBytes, durationMs }, 'template.build')
    const row = ledger.templates.find(shape.key)
    if (!row) throw new Error(`template ${id} vanished from the ledger`)
    this.#crowdOut(row)
    return row
  }

  /** Retires what was not used for longest until the rest fits. */
  #crowdOut(newest: TemplateRow): void {
    const rows = this.#options.ledger.templates.list().filter((row) => !row.retired)
    let total = rows.reduce((sum, row) => sum + row.sizeBytes, 0)
    for (const row of rows) {
      if (total <= this.#options.maxBytes) return
      if (row.id === newest.id) continue
      this.retire(row.id)
      total -= row.sizeBytes
    }
  }

  #folder(id: string): string {
    return join(this.#options.directory, id)
  }
}

/**
 * Writes everything below `folder` through to the disk, so that a power cut cannot leave a template whose row is there and whose memory is
 * not. Returns the blocks it takes, in bytes (st_blocks counts 512; files may be sparse).
 */
async function flushTree(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await flushTree(path)
    if (!entry.isFile()) continue
    await using file = await open(path, 'r')
    await file.sync()
    bytes += (await stat(path)).blocks * 512
  }
  await using self = await open(folder, 'r')
  await self.sync()
  return bytes
}
