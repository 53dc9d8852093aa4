import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { guestRun } from '@bulkhead/sandbox/contract'
import { CreateSandbox } from '@bulkhead/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Engine, openEngine } from '../src/index.ts'
import { nothingIsLeft } from './nothing-is-left.ts'
import { engineConfig, makePlaces, removePlaces, requests, type TestPlaces } from './test-machine.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const request = CreateSandbox.parse(requests.gvisor)
const MiB = 1024 ** 2

let disk: string
let places: TestPlaces
let engine: Engine

beforeEach(async () => {
  disk = mkdtempSync(join(tmpdir(), 'bulkhead-small-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0711', 'small', disk])
  places = makePlaces(disk)
  engine = await openEngine(engineConfig(places, { capacity: { diskReserveBytes: 8 * MiB } }), never)
})
afterEach(async () => {
  await engine.stop()
  await removePlaces(places)
  await run('umount', [disk])
  rmSync(disk, { recursive: true })
})

/** Leaves not one block free. */
function fill(name: string): string {
  const path = join(disk, name)
  mkdirSync(path)
  for (let size = 4 * MiB, index = 0; size >= 4096; ) {
    try {
      writeFileSync(join(path, String(index++)), Buffer.alloc(size))
    } catch {
      size /= 2
    }
  }
  expect(statfsSync(disk).bavail).toBeLessThan(2)
  return path
}

it('refuses new sandboxes on a full disk, and keeps and ends those it has', async () => {
  const made = [await engine.create(request, never), await engine.create(request, never)]
  const [kept, ended] = made.map(({ id }) => id)
  const filler = fill('filler')
  await expect(engine.create(request, never)).rejects.toMatchObject({ code: 'disk_full' })
  expect((await engine.list()).map(({ id }) => id).sort()).toEqual([kept, ended].sort())
  const alive = async () => (await guestRun(await engine.channel(kept ?? '', never), ['echo', 'alive'])).stdout
  expect(await alive()).toBe('alive\n')
  await engine.delete(ended ?? '')
  expect(await engine.get(ended ?? '')).toMatchObject({ state: 'stopped' })
  expect(await alive()).toBe('alive\n')

  // A server that starts on a full disk takes over what runs, too.
  await engine.stop()
  const more = fill('more')
  engine = await openEngine(engineConfig(places, { capacity: { diskReserveBytes: 8 * MiB } }), never)
  expect(await alive()).toBe('alive\n')

  for (const path of [filler, more]) rmSync(path, { recursive: true })
  const next = await engine.create(request, never)
  await Promise.all([kept ?? '', next.id].map((id) => engine.delete(id)))
  await nothingIsLeft(places)
})
