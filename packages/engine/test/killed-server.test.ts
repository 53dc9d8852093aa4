import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { guestRun } from '@bulkhead/sandbox/contract'
import { CreateSandbox, type RuntimeName } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEngine } from '../src/index.ts'
import type { Report } from './churning-server.ts'
import { nothingIsLeft } from './nothing-is-left.ts'
import { engineConfig, makePlaces, removePlaces, requests, type TestPlaces } from './test-machine.ts'

const never = new AbortController().signal
const server = fileURLToPath(new URL('./churning-server.ts', import.meta.url))

let places: TestPlaces
beforeEach(() => {
  places = makePlaces()
})
afterEach(() => removePlaces(places))

/** Runs a server and kills it `afterMs` after it began to open, began to serve, or had made its first sandbox; returns what it told. */
async function killedServer(
  runtime: RuntimeName,
  from: 'start' | 'opened' | 'created',
  afterMs: number
): Promise<Report[]> {
  const child = fork(server, [JSON.stringify(places), runtime], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const reports: Report[] = []
  const gone = once(child, 'close')
  const reached = new Promise<void>((resolve) => {
    if (from === 'start') resolve()
    child.on('message', (report: Report) => {
      reports.push(report)
      if (report.step === from) resolve()
    })
  })
  await Promise.race([reached, gone])
  await sleep(afterMs)
  child.kill('SIGKILL')
  const [, signal] = (await gone) as [number | null, string | null]
  expect(signal, 'the server ended by itself').toBe('SIGKILL')
  return reports
}

/** A number below `bound` that differs from run to run; the moment of the kill is what is being searched through. */
const anywhere = (bound: number) => Math.floor(Math.random() * bound)

describe.each<[RuntimeName, number, number]>([
  ['gvisor', 10, 1200],
  ['qemu', 5, 6000],
])('a server that is killed again and again: %s (P7)', (runtime, rounds, longestMs) => {
  it('loses no sandbox and leaves nothing behind', { timeout: 300_000 }, async () => {
    const created = new Set<string>()
    const deleting = new Set<string>()
    const deleted = new Set<string>()
    for (let round = 0; round < rounds; round += 1) {
      // The first one lives long enough to make the template, if there is to be one.
      const from = round === 0 ? 'created' : round % 3 === 2 ? 'start' : 'opened'
      for (const report of await killedServer(runtime, from, anywhere(longestMs))) {
        if (report.step === 'created') created.add(report.id)
        if (report.step === 'deleting') deleting.add(report.id)
        if (report.step === 'deleted') deleted.add(report.id)
      }
    }
    expect(created.size).toBeGreaterThan(0)

    await using engine = await openEngine(engineConfig(places), never)
    const alive = new Map((await engine.list()).map((sandbox) => [sandbox.id, sandbox.state]))
    const lost = [...created].filter((id) => !deleting.has(id) && alive.get(id) !== 'running')
    expect(lost).toEqual([])
    expect([...deleted].filter((id) => alive.has(id))).toEqual([])
    // Each of them is not only on record but there, under its own name.
    for (const id of alive.keys()) {
      const { stdout } = await guestRun(await engine.channel(id, never), ['hostname'])
      expect(stdout.trim()).toBe(id)
    }
    // Nothing on the host is of anything else.
    const names = [...alive.keys()]
    await nothingIsLeft(places, names)
    await Promise.all(names.map((id) => engine.delete(id)))
    await nothingIsLeft(places)
  })
})

describe.each<RuntimeName>(['gvisor', 'qemu'])('a server that stops in order: %s', (runtime) => {
  it('leaves its sandboxes running, with their processes and files', { timeout: 180_000 }, async () => {
    const first = await openEngine(engineConfig(places, { pool: { size: 1, quietMs: 0 } }), never)
    const { id } = await first.create(CreateSandbox.parse({ ...requests[runtime], deadlineMs: 3_600_000 }), never)
    const start = [
      'sh',
      '-c',
      '(sleep 1000 & echo $! > /tmp/pid) > /dev/null 2>&1; cat /proc/sys/kernel/random/boot_id',
    ]
    const before = await guestRun(await first.channel(id, never), start)
    await first.stop()

    await using second = await openEngine(engineConfig(places), never)
    const sandbox = await second.get(id)
    expect(sandbox).toMatchObject({ state: 'running', deadlineAt: expect.any(String) })
    const look = ['sh', '-c', 'kill -0 $(cat /tmp/pid) && cat /proc/sys/kernel/random/boot_id']
    const after = await guestRun(await second.channel(id, never), look)
    expect(after).toMatchObject({ exitCode: 0, stdout: before.stdout })
    // The member of the pool went with its server.
    await nothingIsLeft(places, [id])
    await second.delete(id)
    await nothingIsLeft(places)
  })
})
