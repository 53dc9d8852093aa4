import { guestRun } from '@bulkhead/sandbox/contract'
import { CreateSandbox } from '@bulkhead/wire'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Engine, openEngine } from '../src/index.ts'
import { nothingIsLeft } from './nothing-is-left.ts'
import { engineConfig, makePlaces, removePlaces, requests, type TestPlaces } from './test-machine.ts'

const never = new AbortController().signal

/** What a root attacker does to its own kernel, and what is on record afterwards. Through sysrq, which gVisor's kernel does not have. */
const exits = [
  { how: 'panics its kernel', command: 'echo c > /proc/sysrq-trigger', state: 'failed', reason: /panicked/ },
  {
    how: 'powers its machine off',
    command: 'echo o > /proc/sysrq-trigger',
    state: 'stopped',
    reason: /powered itself off/,
  },
]

describe('a guest that ends itself: qemu', () => {
  let places: TestPlaces
  let engine: Engine
  beforeAll(async () => {
    places = makePlaces()
    engine = await openEngine(engineConfig(places), never)
  })
  afterAll(async () => {
    await engine?.stop()
    await removePlaces(places)
  })
  const create = () => engine.create(CreateSandbox.parse(requests.qemu), never)

  it.each(exits)(
    '$how: its end is on record, and nobody else’s',
    { timeout: 120_000 },
    async ({ command, state, reason }) => {
      const [attacker, neighbour] = await Promise.all([create(), create()])
      const endpoint = await engine.channel(attacker.id, never)
      // The answer, if there is one, is of no interest.
      await guestRun(endpoint, ['sh', '-c', command], { user: 'root' }).catch(() => {})
      await vi.waitFor(async () => expect(await engine.get(attacker.id)).toMatchObject({ state }), { timeout: 60_000 })
      expect((await engine.get(attacker.id)).reason).toMatch(reason)
      const { stdout } = await guestRun(await engine.channel(neighbour.id, never), ['echo', 'unharmed'])
      expect(stdout).toBe('unharmed\n')
      await engine.delete(neighbour.id)
      await nothingIsLeft(places)
    }
  )
})
