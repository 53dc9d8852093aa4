import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { newSandboxId } from '@bulkhead/sandbox'
import { isFailure } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { type NewSandboxRow, StaleGeneration } from './sandbox-table.ts'

let directory: string
let ledger: Ledger

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bulkhead-ledger-'))
  ledger = Ledger.open(directory)
})
afterEach(() => {
  ledger.close({ clean: true })
  rmSync(directory, { recursive: true })
})

const newRow = (changes: Partial<NewSandboxRow> = {}): NewSandboxRow => ({
  id: newSandboxId(),
  role: 'sandbox',
  shape: 'shape',
  image: 'default',
  imageDigest: 'sha256:00',
  runtime: 'gvisor',
  isolation: 'userspace',
  memoryBytes: 1,
  cpus: 1,
  diskBytes: 1,
  metadata: { 'ключ\n"': '🧱' },
  origin: 'boot',
  createdAt: 1000,
  deadlineAt: undefined,
  template: undefined,
  ...changes,
})

describe('the state folder', () => {
  it('is private, and so is the ledger', () => {
    for (const file of ['ledger.db', 'ledger.db-wal']) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
  })

  it('takes one server, in the same process or another', () => {
    expect(() => Ledger.open(directory)).toThrow(expect.objectContaining({ code: 'state_in_use' }))
    // The refused attempt must not have dropped the lock of the first.
    expect(() => Ledger.open(directory)).toThrow(expect.objectContaining({ code: 'state_in_use' }))
  })

  it('is free again the moment its server is killed, with what was written last', async () => {
    ledger.close({ clean: true })
    const id = newSandboxId()
    const script = `
      const { Ledger } = await import(${JSON.stringify(new URL('./ledger.ts', import.meta.url).href)})
      const ledger = Ledger.open(${JSON.stringify(directory)})
      ledger.sandboxes.insert(${JSON.stringify(newRow({ id }))}, 10)
      process.stdout.write('written')
      process.stdin.resume()`
    const server = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(server.stdout, 'data')
    expect(() => Ledger.open(directory)).toThrow(expect.objectContaining({ code: 'state_in_use' }))
    server.kill('SIGKILL')
    await once(server, 'exit')
    ledger = Ledger.open(directory)
    expect(ledger.sandboxes.get(id)?.state).toBe('creating')
  })

  it('refuses a ledger of a newer version and leaves it as it is', () => {
    ledger.close({ clean: true })
    const db = new DatabaseSync(join(directory, 'ledger.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    try {
      expect(() => Ledger.open(directory)).toThrow(expect.objectContaining({ code: 'state_too_new' }))
    } finally {
      const again = new DatabaseSync(join(directory, 'ledger.db'))
      again.exec('PRAGMA user_version = 1')
      again.close()
      ledger = Ledger.open(directory)
    }
  })
})

describe('a sandbox', () => {
  it('comes back as it was written, after a restart', () => {
    const row = ledger.sandboxes.insert(newRow({ deadlineAt: 5 }), 10)
    ledger.close({ clean: true })
    ledger = Ledger.open(directory)
    expect(ledger.sandboxes.get(row.id)).toEqual(row)
  })

  it('takes only transitions of the state machine', () => {
    const row = ledger.sandboxes.insert(newRow(), 10)
    expect(() => ledger.sandboxes.transition(row, 'stopped')).toThrow(TypeError)
    expect(ledger.sandboxes.get(row.id)).toEqual(row)
  })

  it('refuses a change made from an older reading', () => {
    const seen = ledger.sandboxes.insert(newRow(), 10)
    ledger.sandboxes.transition(seen, 'stopping')
    expect(() => ledger.sandboxes.transition(seen, 'running')).toThrow(StaleGeneration)
    expect(ledger.sandboxes.get(seen.id)?.state).toBe('stopping')
  })

  it('keeps its uid until nothing of it is left, whatever its state', () => {
    const { sandboxes } = ledger
    const first = sandboxes.insert(newRow(), 3)
    const second = sandboxes.insert(newRow(), 3)
    const failed = sandboxes.transition(first, 'failed', { reason: 'panic' })
    const third = sandboxes.insert(newRow(), 3)
    expect([failed.uidSlot, second.uidSlot, third.uidSlot]).toEqual([0, 1, 2])
    expect(() => sandboxes.insert(newRow(), 3)).toThrow(expect.objectContaining({ code: 'capacity_exhausted' }))
    sandboxes.releaseResources(first.id)
    expect(sandboxes.insert(newRow(), 3).uidSlot).toBe(0)
  })

  it('forgets its secrets with its resources', () => {
    const row = ledger.sandboxes.insert(newRow(), 10)
    const handle = { runtime: 'gvisor', pid: 1, startTime: '1', spec: {} as never, detail: { key: 'secret' } } as const
    ledger.sandboxes.transition(row, 'running', { handle })
    expect(ledger.sandboxes.get(row.id)?.handle).toEqual(handle)
    ledger.sandboxes.releaseResources(row.id)
    expect(ledger.sandboxes.get(row.id)?.handle).toBeUndefined()
  })

  it('is pruned only after its end and its clean-up', () => {
    const { sandboxes } = ledger
    const rows = [0, 1, 2].map(() => sandboxes.insert(newRow(), 10))
    for (const row of rows.slice(1)) sandboxes.transition(row, 'failed')
    sandboxes.releaseResources(rows[2]?.id ?? '')
    sandboxes.prune(Date.now())
    expect(rows.map((row) => sandboxes.get(row.id)?.state)).toEqual(['creating', 'failed', undefined])
  })

  it('is due at its deadline, while it lives', () => {
    const { sandboxes } = ledger
    const early = sandboxes.insert(newRow({ deadlineAt: 100 }), 10)
    const late = sandboxes.insert(newRow({ deadlineAt: 200 }), 10)
    sandboxes.insert(newRow(), 10)
    expect(sandboxes.nextDeadline()).toBe(100)
    expect(sandboxes.due(99)).toEqual([])
    expect(sandboxes.due(100).map((row) => row.id)).toEqual([early.id])
    sandboxes.transition(early, 'failed')
    expect(sandboxes.nextDeadline()).toBe(200)
    expect(sandboxes.due(1000).map((row) => row.id)).toEqual([late.id])
  })
})

it('tells failures by code', () => {
  try {
    Ledger.open(directory)
    expect.unreachable()
  } catch (error) {
    expect(isFailure(error, 'state_in_use')).toBe(true)
  }
})
