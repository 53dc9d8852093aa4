import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { guestRun } from '@bulkhead/sandbox/contract'
import { CreateSandbox, type CreateSandboxInput, type RuntimeName } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Engine, type EngineConfig, openEngine } from '../src/index.ts'
import { nothingIsLeft } from './nothing-is-left.ts'
import { engineConfig, makePlaces, processesOf, removePlaces, requests, type TestPlaces } from './test-machine.ts'

const never = new AbortController().signal
let places: TestPlaces
let engine: Engine

beforeEach(() => {
  places = makePlaces()
})
afterEach(async () => {
  await engine.stop()
  await removePlaces(places)
})

const open = async (changes: Partial<EngineConfig> = {}) => {
  engine = await openEngine(engineConfig(places, changes), never)
}
const create = (runtime: RuntimeName, input: CreateSandboxInput = {}) =>
  engine.create(CreateSandbox.parse({ ...requests[runtime], ...input }), never)
const run = async (id: string, ...command: string[]) =>
  (await guestRun(await engine.channel(id, never), command)).stdout.trim()

describe('templates of emulated machines', { timeout: 180_000 }, () => {
  it('give clones that share nothing they must not', async () => {
    await open()
    const made = await Promise.all([1, 2, 3].map(() => create('qemu')))
    expect(made.map(({ origin }) => origin)).toEqual(['clone', 'clone', 'clone'])
    for (const command of [
      ['cat', '/proc/sys/kernel/random/boot_id'],
      ['cat', '/etc/machine-id'],
      ['hostname'],
      ['head', '-c16', '/dev/urandom'],
      ['python3', '-c', 'import random, uuid; print(random.random(), uuid.uuid4())'],
    ]) {
      const answers = await Promise.all(made.map(({ id }) => run(id, ...command)))
      expect(new Set(answers).size, command.join(' ')).toBe(made.length)
    }
    for (const { id } of made) {
      const before = Date.now() / 1000
      const clock = Number(await run(id, 'date', '+%s.%N'))
      // Half a second for what an emulated clock may lose against the host's.
      expect(clock).toBeGreaterThan(before - 0.5)
      expect(clock).toBeLessThan(Date.now() / 1000 + 0.5)
    }
    await Promise.all(made.map(({ id }) => engine.delete(id)))
    await nothingIsLeft(places)
  })

  it('are made anew when they are broken, and those that stand on the broken one go on', async () => {
    await open()
    const first = await create('qemu')
    const folder = join(places.stateDirectory, 'templates')
    const [broken] = readdirSync(folder)
    for (const name of readdirSync(join(folder, broken ?? ''))) {
      // The state alone: the memory is mapped by the clone that runs.
      if (/state/.test(name)) truncateSync(join(folder, broken ?? '', name), 100)
    }
    const second = await create('qemu')
    expect(second.origin).toBe('clone')
    expect(await run(second.id, 'hostname')).toBe(second.id)
    expect(await run(first.id, 'hostname')).toBe(first.id)
    expect(readdirSync(folder)).toHaveLength(2)
    await engine.delete(first.id)
    await vi.waitFor(() => expect(readdirSync(folder)).not.toContain(broken), { timeout: 60_000 })
    await engine.delete(second.id)
  })

  it('leave nothing of a first boot that is given up', async () => {
    await open()
    const abort = new AbortController()
    const request = CreateSandbox.parse(requests.qemu)
    const outcome = expect(engine.create(request, abort.signal)).rejects.toMatchObject({ code: 'request_cancelled' })
    await vi.waitFor(async () => expect(await processesOf(places)).not.toEqual([]), { timeout: 20_000 })
    abort.abort()
    await outcome
    await nothingIsLeft(places)
    expect(readdirSync(join(places.stateDirectory, 'templates'))).toEqual([])
  })
})

describe.each<RuntimeName>(['gvisor', 'qemu'])('the pool: %s', (runtime) => {
  it('hands out sandboxes that are the caller’s own in everything', { timeout: 180_000 }, async () => {
    await open({ pool: { size: 1, quietMs: 0 } })
    const first = await create(runtime)
    expect(first.origin).not.toBe('pool')
    const ready = () =>
      vi.waitFor(async () => expect(await fromPool()).toBe('pool'), { timeout: 60_000, interval: 500 })
    const made: string[] = [first.id]
    const fromPool = async () => {
      const sandbox = await create(runtime, { env: { WHO: 'me' } })
      made.push(sandbox.id)
      return sandbox.origin
    }
    await ready()
    const id = made.at(-1) ?? ''
    expect(await run(id, 'sh', '-c', 'echo $WHO; hostname')).toBe(`me\n${id}`)
    expect((await engine.evidence(id, never)).verdict.outcome).toBe('proven')
    await Promise.all(made.map((sandboxId) => engine.delete(sandboxId)))
    await engine.stop()
    await nothingIsLeft(places)
  })
})
