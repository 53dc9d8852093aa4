import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { identifyProcess } from '@bulkhead/kernel/process-identity'
import { removeTree } from '@bulkhead/kernel/remove-tree'
import { SweepIncomplete } from '@bulkhead/kernel/sweep'
import { newSandboxId } from '@bulkhead/sandbox'
import { CreateSandbox, type CreateSandboxInput, failure, type SandboxState } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EngineConfig } from './config.ts'
import type { Engine } from './engine.ts'
import { type NewSandboxRow, SandboxTable } from './ledger/sandbox-table.ts'
import { openEngine } from './open-engine.ts'
import { FakeMachine } from './testing/fake-machine.ts'

// As it is, unless a test makes it fail.
vi.mock(import('@bulkhead/kernel/remove-tree'), async (original) => ({
  removeTree: vi.fn((await original()).removeTree),
}))

const never = new AbortController().signal
/** Bounds a failure; says nothing of speed. */
const eventually = <T>(task: () => T | Promise<T>) => vi.waitFor(task, { timeout: 20_000 })
const request = (input: CreateSandboxInput = {}) => CreateSandbox.parse(input)

let machine: FakeMachine
let engine: Engine | undefined

/** Opens the engine that the test's end stops. */
async function open(changes: Partial<EngineConfig> = {}): Promise<Engine> {
  engine = await openEngine(machine.config(changes), never)
  return engine
}
async function reopen(): Promise<Engine> {
  await engine?.stop()
  return open()
}

beforeEach(() => {
  machine = new FakeMachine()
})
afterEach(async () => {
  await engine?.stop()
  engine = undefined
  machine[Symbol.dispose]()
})

const nothingIsLeft = () => {
  expect([...machine.kernels.keys()]).toEqual([])
  expect(machine.folders('sandboxes')).toEqual([])
}

describe('create', () => {
  it('is in the ledger before anything is started (P7)', async () => {
    const backend = await open()
    let seen: string[] = []
    machine.during = async () => {
      seen = (await backend.list()).map((sandbox) => sandbox.state)
    }
    const sandbox = await backend.create(request({ metadata: { a: 'b' } }), never)
    expect(seen).toEqual(['creating'])
    expect(sandbox).toMatchObject({ state: 'running', runtime: 'gvisor', origin: 'boot', metadata: { a: 'b' } })
    expect(await backend.get(sandbox.id)).toEqual(sandbox)
  })

  it('leaves nothing when the runtime fails, and tells why', async () => {
    const backend = await open()
    machine.during = async () => Promise.reject(new Error('the reason'))
    await expect(backend.create(request(), never)).rejects.toMatchObject({
      code: 'internal_error',
      cause: expect.objectContaining({ message: 'the reason' }),
    })
    expect(await backend.list({ ended: true })).toEqual([])
    nothingIsLeft()
  })

  it('leaves nothing when it is aborted', async () => {
    const backend = await open()
    const abort = new AbortController()
    machine.during = async (verb) => {
      if (verb === 'boot') abort.abort()
    }
    await expect(backend.create(request(), abort.signal)).rejects.toMatchObject({ code: 'request_cancelled' })
    expect(await backend.list({ ended: true })).toEqual([])
    expect(backend.busy()).toBe(0)
    nothingIsLeft()
  })

  it('is given up when its sandbox is deleted meanwhile', async () => {
    const backend = await open()
    machine.during = async (verb, _id, signal) => {
      if (verb === 'boot')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const creating = backend.create(request(), never)
    const outcome = expect(creating).rejects.toMatchObject({ code: 'sandbox_not_running' })
    await eventually(async () => expect(await backend.list()).toHaveLength(1))
    const [sandbox] = await backend.list()
    await backend.delete(sandbox?.id ?? '')
    await outcome
    nothingIsLeft()
  })

  it('keeps the uid and the folder of a kernel that could not be ended, until it is', async () => {
    const backend = await open()
    const transition = vi.spyOn(SandboxTable.prototype, 'transition').mockImplementationOnce(() => {
      throw new Error('the ledger is torn')
    })
    machine.during = async (verb) => (verb === 'stop' ? Promise.reject(new Error('stuck')) : undefined)
    await expect(backend.create(request(), never)).rejects.toMatchObject({ code: 'internal_error' })
    transition.mockRestore()
    const [left] = await backend.list()
    expect(machine.folders('sandboxes')).toEqual([left?.id])
    expect(machine.kernels.size).toBe(1)
    machine.during = async () => {}
    await backend.delete(left?.id ?? '')
    nothingIsLeft()
  })

  it('refuses what this machine has not', async () => {
    const backend = await open()
    await expect(backend.create(request({ isolation: 'hardware' }), never)).rejects.toMatchObject({
      code: 'isolation_unavailable',
    })
    const tooMuch = request({ memoryBytes: 1024 ** 4 })
    await expect(backend.create(tooMuch, never)).rejects.toMatchObject({ code: 'capacity_exhausted' })
    await expect(backend.create({ ...request(), cpus: -1 }, never)).rejects.toMatchObject({ code: 'invalid_request' })
    expect(machine.calls).toEqual([])
  })
})

describe('the end of a sandbox', () => {
  it('happens once, however many ask for it', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    let stops = 0
    machine.during = async (verb) => {
      if (verb === 'stop') stops += 1
      await turn()
    }
    await Promise.all(Array.from({ length: 10 }, () => backend.delete(id)))
    await backend.delete(id)
    expect(stops).toBe(1)
    expect(await backend.get(id)).toMatchObject({ state: 'stopped' })
    nothingIsLeft()
  })

  it('has the reason of a kernel that ended by itself, without its control characters', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    machine.crash(id, { kind: 'panicked', detail: 'sysrq\u001b[2J triggered' })
    await eventually(async () => expect((await backend.get(id)).state).toBe('failed'))
    expect((await backend.get(id)).reason).toBe('the guest kernel panicked: sysrq [2J triggered')
    await expect(backend.channel(id, never)).rejects.toMatchObject({ code: 'sandbox_not_running' })
    await eventually(nothingIsLeft)
    await backend.delete(id)
    expect((await backend.get(id)).state).toBe('failed')
  })

  it('is a deletion when the kernel dies in the middle of one', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    machine.during = async (verb) => {
      if (verb === 'stop') machine.crash(id, { kind: 'crashed', detail: 'at the same moment' })
    }
    await backend.delete(id)
    expect(await backend.get(id)).toMatchObject({ state: 'stopped' })
  })

  it('can be asked for again when it failed', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    machine.during = async (verb) => (verb === 'stop' ? Promise.reject(new Error('stuck')) : undefined)
    await expect(backend.delete(id)).rejects.toMatchObject({ code: 'internal_error' })
    expect(await backend.get(id)).toMatchObject({ state: 'stopping' })
    machine.during = async () => {}
    await backend.delete(id)
    expect(await backend.get(id)).toMatchObject({ state: 'stopped' })
    nothingIsLeft()
  })

  it('can be asked for again when what it had could not be removed', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    vi.mocked(removeTree).mockRejectedValueOnce(new Error('it resists'))
    await expect(backend.delete(id)).rejects.toMatchObject({ code: 'internal_error' })
    expect(backend.busy()).toBe(1)
    await backend.delete(id)
    expect(backend.busy()).toBe(0)
    nothingIsLeft()
  })

  it('comes with the deadline, also with one that passed while no server ran', async () => {
    let backend = await open()
    const [early, late, moved] = await Promise.all(
      [3_600_000, 3_600_000, 3_600_000].map((deadlineMs) => backend.create(request({ deadlineMs }), never))
    )
    await backend.setDeadline(moved?.id ?? '', null)
    expect(backend.busy()).toBe(2)
    await backend.setDeadline(early?.id ?? '', 1)
    await engine?.stop()
    backend = await reopen()
    await eventually(async () => expect(await backend.get(early?.id ?? '')).toMatchObject({ state: 'stopped' }))
    expect((await backend.get(early?.id ?? '')).reason).toBe('its deadline was reached')
    expect((await backend.list()).map((sandbox) => sandbox.id).sort()).toEqual([late?.id, moved?.id].sort())
  })

  it('is remembered of the newest only when many end', async () => {
    const backend = await open({ keepEnded: 2 })
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      const { id } = await backend.create(request(), never)
      await backend.delete(id)
      ids.unshift(id)
    }
    expect((await backend.list({ ended: true })).map(({ id }) => id)).toEqual(ids.slice(0, 2))
    await backend.stop()
    expect(machine.withLedger((ledger) => ledger.sandboxes.list({ ended: true }))).toHaveLength(2)
  })

  it('is forgotten after a while', async () => {
    const backend = await open({ keepEndedMs: 0 })
    const { id } = await backend.create(request(), never)
    await backend.delete(id)
    await expect(backend.get(id)).rejects.toMatchObject({ code: 'sandbox_not_found' })
    expect(await backend.list({ ended: true })).toEqual([])
  })
})

describe('a stop', () => {
  it('ends no sandbox; the next engine has them all', async () => {
    const backend = await open()
    const made = await Promise.all([1, 2, 3].map(() => backend.create(request(), never)))
    await backend.stop()
    expect(machine.kernels.size).toBe(3)
    expect((await (await open()).list()).map((sandbox) => sandbox.id).sort()).toEqual(made.map(({ id }) => id).sort())
    expect(await (await reopen()).list()).toHaveLength(3)
  })

  it('gives up what is being made', async () => {
    const backend = await open()
    machine.during = (_verb, _id, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const outcome = expect(backend.create(request(), never)).rejects.toMatchObject({ code: 'server_stopping' })
    await eventually(() => expect(machine.calls).toHaveLength(1))
    await backend.stop()
    await outcome
    nothingIsLeft()
  })
})

describe('recovery after a server was killed', () => {
  const newRow = (id: string, role: NewSandboxRow['role']): NewSandboxRow => ({
    id,
    role,
    shape: 's',
    image: 'default',
    imageDigest: 'sha256:1',
    runtime: 'gvisor',
    isolation: 'userspace',
    memoryBytes: 1,
    cpus: 1,
    diskBytes: 1,
    metadata: {},
    origin: 'boot',
    createdAt: Date.now(),
    deadlineAt: undefined,
    template: undefined,
  })
  const spec = (id: string) => ({
    id,
    rootImage: '/image',
    memoryBytes: 1,
    cpus: 1,
    diskBytes: 1,
    uid: 1,
    isolation: 'userspace' as const,
    identity: { hostname: id, machineId: '', accessToken: 'token', channelKey: '', env: {}, user: '', workdir: '/' },
    stateDirectory: '/',
  })

  /** Leaves a row as a server killed in that state would, with its kernel and its folder. */
  function leave(role: NewSandboxRow['role'], states: SandboxState[], kernelLives = true): string {
    const id = newSandboxId()
    const handle = machine.plant(spec(id))
    if (!kernelLives) machine.kernels.delete(id)
    machine.makeFolder('sandboxes', id)
    machine.withLedger(({ sandboxes }) => {
      let row = sandboxes.insert(newRow(id, role), 100)
      for (const state of states) row = sandboxes.transition(row, state, state === 'running' ? { handle } : {})
    })
    return id
  }

  it.each<[string, NewSandboxRow['role'], SandboxState[], boolean, SandboxState | undefined]>([
    ['takes over what runs', 'sandbox', ['running'], true, 'running'],
    ['takes over what is paused', 'sandbox', ['running', 'paused'], true, 'paused'],
    ['takes over what was being frozen', 'sandbox', ['running', 'snapshotting'], true, 'running'],
    ['marks lost what runs no more', 'sandbox', ['running'], false, 'lost'],
    ['removes what was being made', 'sandbox', ['creating'].slice(1) as SandboxState[], true, undefined],
    ['finishes what was being removed', 'sandbox', ['running', 'stopping'], true, 'stopped'],
    ['finishes the clean-up of what had failed', 'sandbox', ['running', 'failed'], true, 'failed'],
    ['finishes the clean-up of what had been stopped', 'sandbox', ['running', 'stopping', 'stopped'], true, 'stopped'],
    ['removes members of the pool', 'pool', ['running'], true, undefined],
    ['removes what was to become a template', 'template', ['running'], true, undefined],
  ])('%s', async (_, role, states, kernelLives, becomes) => {
    const id = leave(role, states, kernelLives)
    const backend = await open()
    const all = await backend.list({ ended: true })
    expect(all.map((sandbox) => sandbox.state)).toEqual(becomes ? [becomes] : [])
    const goesOn = becomes === 'running' || becomes === 'paused'
    expect([...machine.kernels.keys()]).toEqual(goesOn ? [id] : [])
    expect(machine.folders('sandboxes')).toEqual(goesOn ? [id] : [])
    await backend.stop()
    // Uids are free again, and a second start finds nothing to do.
    machine.withLedger((ledger) => {
      expect(ledger.sandboxes.uncleared()).toEqual([])
      expect(ledger.sandboxes.living()).toHaveLength(goesOn ? 1 : 0)
    })
  })

  it('says of a lost sandbox why', async () => {
    const id = leave('sandbox', ['running'], false)
    expect(await (await open()).get(id)).toMatchObject({
      state: 'lost',
      reason: expect.stringContaining('not in the table'),
    })
  })

  it('removes kernels and folders that no row knows', async () => {
    machine.withLedger(() => {})
    machine.plant(spec('sb-unknown'))
    machine.makeFolder('sandboxes', 'sb-unknown')
    machine.makeFolder('templates', 'tp-unknown')
    await open()
    nothingIsLeft()
    expect(machine.folders('templates')).toEqual([])
  })

  it('serves all others when what is left of one cannot be removed', async () => {
    const backend = await open()
    const [stuck, other] = [await backend.create(request(), never), await backend.create(request(), never)]
    await backend.stop()
    machine.kernels.delete(stuck.id)
    vi.mocked(removeTree).mockRejectedValueOnce(new Error('it resists'))
    const next = await open()
    expect(await next.get(stuck.id)).toMatchObject({ state: 'lost' })
    expect(await next.get(other.id)).toMatchObject({ state: 'running' })
    expect(machine.logged).toContainEqual({
      message: 'recovery.clear',
      facts: expect.objectContaining({ sandboxId: stuck.id }),
    })
  })

  it('takes over on a later try a kernel that lives and was late', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    await backend.stop()
    const kernel = machine.kernels.get(id)
    const self = await identifyProcess(process.pid)
    machine.withLedger((ledger) => {
      const row = ledger.sandboxes.get(id)
      if (!row || !kernel || !self) throw new Error('unreachable')
      ledger.sandboxes.update(row, { handle: { ...kernel.handle, ...self } })
    })
    const adopt = vi.fn(machine.runtime.adopt).mockRejectedValueOnce(new Error('late'))
    const load = async () => ({ ...machine.runtime, adopt })
    const next = await open({ runtimes: [{ name: 'gvisor', load }] })
    expect(await next.get(id)).toMatchObject({ state: 'running' })
    expect(adopt).toHaveBeenCalledTimes(2)
  })

  it('removes folders that a broken-out kernel has nested deeper than the longest path', async () => {
    const backend = await open()
    const sandbox = await backend.create(request(), never)
    const nest = 'for (let i = 0; i < 60; i++) { fs.mkdirSync("d".repeat(200)); process.chdir("d".repeat(200)) }'
    execFileSync(process.execPath, ['-e', nest], { cwd: join(machine.directory, 'sandboxes', sandbox.id) })
    await backend.delete(sandbox.id)
    nothingIsLeft()
  })

  it('loads no runtime after an orderly stop that left nothing', async () => {
    await open()
    await engine?.stop()
    const load = vi.fn(async () => machine.runtime)
    await open({ runtimes: [{ name: 'gvisor', load }] })
    expect(load).not.toHaveBeenCalled()
  })

  it('keeps the uid of what could not be swept', async () => {
    leave('sandbox', ['running', 'failed'])
    const load = async () => ({ ...machine.runtime, sweep: async () => Promise.reject(new Error('busy')) })
    const backend = await open({ runtimes: [{ name: 'gvisor', load }] })
    await backend.stop()
    machine.withLedger((ledger) => expect(ledger.sandboxes.uncleared()).toHaveLength(1))
  })

  it('keeps the uid of that one alone of which something is left', async () => {
    const stuck = leave('sandbox', ['running', 'failed'])
    leave('sandbox', ['running', 'failed'])
    const sweep = async () => Promise.reject(new SweepIncomplete(new Map([[stuck, new Error('busy')]])))
    const backend = await open({ runtimes: [{ name: 'gvisor', load: async () => ({ ...machine.runtime, sweep }) }] })
    await backend.stop()
    machine.withLedger((ledger) => expect(ledger.sandboxes.uncleared().map((row) => row.id)).toEqual([stuck]))
  })
})

describe('a ledger that cannot be written', () => {
  it('ends no server: what was due is tried again', async () => {
    const prune = vi.spyOn(SandboxTable.prototype, 'prune').mockImplementation(() => {
      throw new Error('database or disk is full')
    })
    try {
      const backend = await open({ keepEndedMs: 0 })
      const sandbox = await backend.create(request(), never)
      await backend.delete(sandbox.id)
      await expect.poll(() => prune.mock.calls.length).toBeGreaterThan(0)
      expect(machine.logged.map(({ message }) => message)).toContain('sandbox.deadline')
    } finally {
      prune.mockRestore()
    }
  })
})

it('gives the way to a guest to its caller alone, without its whole row', async () => {
  const backend = await open({ pool: { size: 1, quietMs: 0 } })
  const { id } = await backend.create(request({ env: { A: 'b' } }), never)
  await eventually(() => expect(machine.kernels.size).toBe(2))
  const [member = ''] = [...machine.kernels.keys()].filter((other) => other !== id)
  const get = vi.spyOn(SandboxTable.prototype, 'get')
  try {
    const token = machine.kernels.get(id)?.handle.spec.identity.accessToken
    expect(await backend.channel(id, never)).toMatchObject({ accessToken: token })
    await expect(backend.channel(member, never)).rejects.toMatchObject({ code: 'sandbox_not_found' })
    expect(get).not.toHaveBeenCalled()
  } finally {
    get.mockRestore()
  }
  await backend.delete(id)
  await expect(backend.channel(id, never)).rejects.toMatchObject({ code: 'sandbox_not_running' })
})

it('takes sizes that differ by less than a MiB for one', async () => {
  const backend = await open()
  const bytes = 64 * 1024 * 1024
  const sandbox = await backend.create(request({ memoryBytes: bytes + 1, diskBytes: 2 * bytes - 1 }), never)
  expect(sandbox).toMatchObject({ memoryBytes: bytes + 1024 * 1024, diskBytes: 2 * bytes })
})

describe('templates', () => {
  beforeEach(() => {
    machine[Symbol.dispose]()
    machine = new FakeMachine({ cloningPays: true })
  })

  it('are booted once for all who wait, and cloned from then on', async () => {
    const backend = await open()
    const made = await Promise.all(Array.from({ length: 5 }, () => backend.create(request(), never)))
    expect(machine.calls.filter((call) => call.startsWith('boot'))).toEqual(['boot tb'])
    expect(machine.calls.filter((call) => call === 'restore template')).toHaveLength(5)
    expect(made.map(({ origin }) => origin)).toEqual(Array(5).fill('clone'))
    expect([...machine.kernels.keys()].sort()).toEqual(made.map(({ id }) => id).sort())
  })

  it('outlive the server', async () => {
    await (await open()).create(request(), never)
    machine.calls.length = 0
    await (await reopen()).create(request(), never)
    expect(machine.calls).toEqual(['restore template'])
  })

  it('are of one shape', async () => {
    const backend = await open()
    for (const cpus of [1, 2, 1]) await backend.create(request({ cpus }), never)
    expect(machine.calls.filter((call) => call === 'boot tb')).toHaveLength(2)
  })

  it('stay when one clone fails for a reason that need not be theirs', async () => {
    const backend = await open()
    machine.during = async (verb) => {
      if (verb === 'restore' && machine.calls.at(-2) !== 'restore template') throw new Error('a busy host')
    }
    await backend.create(request(), never)
    expect(machine.calls).toEqual(['boot tb', 'snapshot', 'restore template', 'restore template'])
  })

  it('are made anew once when a clone cannot be made, for all who wait', async () => {
    const backend = await open()
    await backend.create(request(), never)
    const [broken] = machine.folders('templates')
    machine.calls.length = 0
    let failures = 0
    machine.during = async (verb) => {
      if (verb === 'restore' && failures++ < 2) {
        throw failure('snapshot_unusable', { directory: broken ?? '', reason: 'torn' })
      }
    }
    await Promise.all([backend.create(request(), never), backend.create(request(), never)])
    expect(machine.calls.filter((call) => call === 'boot tb')).toHaveLength(1)
    // The broken one stays for the first sandbox, which stands on it, and goes with it.
    expect(machine.folders('templates')).toContain(broken)
    for (const { id } of await backend.list()) await backend.delete(id)
    await eventually(() => expect(machine.folders('templates')).not.toContain(broken))
    expect(machine.folders('templates')).toHaveLength(1)
  })

  it('are not to blame twice', async () => {
    const backend = await open()
    machine.during = async (verb) => (verb === 'restore' ? Promise.reject(new Error('never works')) : undefined)
    await expect(backend.create(request(), never)).rejects.toMatchObject({
      cause: expect.objectContaining({ message: 'never works' }),
    })
    expect(machine.calls).toEqual([
      'boot tb',
      'snapshot',
      'restore template',
      'restore template',
      'boot tb',
      'snapshot',
      'restore template',
    ])
    nothingIsLeft()
  })

  it('are given up when the last who waits has gone', async () => {
    const backend = await open()
    const abort = new AbortController()
    machine.during = (_verb, _id, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const outcome = expect(backend.create(request(), abort.signal)).rejects.toMatchObject({ code: 'request_cancelled' })
    await eventually(() => expect(machine.calls).toEqual(['boot tb']))
    abort.abort()
    await outcome
    await eventually(() => expect(machine.folders('templates')).toEqual([]))
    await backend.stop()
    nothingIsLeft()
  })

  it('go with their image, which goes when no sandbox needs it', async () => {
    const backend = await open()
    const { id } = await backend.create(request(), never)
    await expect(backend.images.remove('default')).rejects.toMatchObject({ code: 'invalid_request' })
    await backend.delete(id)
    await backend.images.remove('default')
    expect(machine.folders('templates')).toEqual([])
  })

  it('that were not used for longest go when there is no room for all', async () => {
    const backend = await open({ templates: { maxBytes: 1 } })
    for (const cpus of [1, 2]) {
      const { id } = await backend.create(request({ cpus }), never)
      await backend.delete(id)
    }
    await eventually(() => expect(machine.folders('templates')).toHaveLength(1))
  })
})

describe('the pool', () => {
  const pool = { size: 1, quietMs: 0 }
  const filled = () => eventually(() => expect([...machine.kernels.keys()]).toHaveLength(2))

  it('hands out a member, known to its caller alone, and makes another', async () => {
    const backend = await open({ pool })
    const first = await backend.create(request(), never)
    await filled()
    expect(await backend.list()).toHaveLength(1)
    expect(backend.busy()).toBe(0)
    const [member] = [...machine.kernels.keys()].filter((id) => id !== first.id)
    await expect(backend.get(member ?? '')).rejects.toMatchObject({ code: 'sandbox_not_found' })
    await expect(backend.delete(member ?? '')).rejects.toMatchObject({ code: 'sandbox_not_found' })
    const second = await backend.create(request({ metadata: { mine: 'yes' }, deadlineMs: 60_000 }), never)
    expect(second).toMatchObject({
      id: member,
      origin: 'pool',
      metadata: { mine: 'yes' },
      deadlineAt: expect.any(String),
    })
    await eventually(() => expect(machine.kernels.size).toBe(3))
  })

  it('gives a member the environment of its caller, over that of the image', async () => {
    const backend = await open({ pool })
    await backend.create(request(), never)
    await filled()
    const { id, origin } = await backend.create(request({ env: { MINE: '1' } }), never)
    expect(origin).toBe('pool')
    expect(machine.kernels.get(id)?.handle.spec.identity).toMatchObject({
      hostname: id,
      env: { FROM_IMAGE: '1', MINE: '1' },
    })
  })

  it('gives nobody a member that has died or cannot be reached', async () => {
    const backend = await open({ pool })
    const first = await backend.create(request(), never)
    await filled()
    const [member] = [...machine.kernels.keys()].filter((id) => id !== first.id)
    machine.kernels.delete(member ?? '')
    const second = await backend.create(request(), never)
    expect(second).toMatchObject({ origin: 'boot' })
    expect(second.id).not.toBe(member)
  })

  it('is filled for a shape that is asked for while another is being filled', async () => {
    const backend = await open({ pool: { size: 1, quietMs: 0 } })
    const filling = Promise.withResolvers<void>()
    const filled = Promise.withResolvers<void>()
    await backend.create(request(), never)
    machine.during = async () => {
      machine.during = async () => {}
      filling.resolve()
      await filled.promise
    }
    await filling.promise
    await backend.create(request({ cpus: 2 }), never)
    // The moment of quiet passes while the first is still under way.
    await new Promise((resolve) => setTimeout(resolve, 20))
    filled.resolve()
    await eventually(() => expect([...machine.kernels.values()].map(({ handle }) => handle.spec.cpus)).toHaveLength(4))
  })

  it('ends with the server, and its sandboxes do not', async () => {
    const backend = await open({ pool })
    const { id } = await backend.create(request(), never)
    await filled()
    await backend.stop()
    expect([...machine.kernels.keys()]).toEqual([id])
    expect(machine.folders('sandboxes')).toEqual([id])
  })

  it('is empty again when it was not used for a while', async () => {
    const backend = await open({ pool: { ...pool, idleMs: 50 } })
    const { id } = await backend.create(request(), never)
    await eventually(() => expect(machine.calls).toHaveLength(2))
    await eventually(() => expect([...machine.kernels.keys()]).toEqual([id]))
    await eventually(() => expect(machine.folders('sandboxes')).toEqual([id]))
  })

  it('is of the eight shapes asked for last', async () => {
    const backend = await open({ pool })
    const wanted = Array.from({ length: 10 }, (_, n) => request({ memoryBytes: (64 + n) * 1024 * 1024 }))
    for (const one of wanted) {
      await backend.create(one, never)
      await turn()
    }
    // Each sandbox, and a member of its kind for eight of them.
    await eventually(() => expect(machine.kernels.size).toBe(18))
    for (let i = 0; i < 20; i += 1) await turn()
    expect(machine.kernels.size).toBe(18)
    const origins = []
    for (const one of [wanted[9], wanted[0]]) origins.push((await backend.create(one ?? request(), never)).origin)
    expect(origins).toEqual(['pool', 'boot'])
  })

  it('does not fill up for ever with what dies at once', async () => {
    const backend = await open({ pool })
    await backend.create(request(), never)
    machine.during = async (verb) => (verb === 'boot' ? Promise.reject(new Error('no more')) : undefined)
    await backend.create(request(), never).catch(() => {})
    await eventually(() => expect(machine.logged.some(({ message }) => message === 'pool.fill')).toBe(true))
    const calls = machine.calls.length
    for (let i = 0; i < 20; i += 1) await turn()
    expect(machine.calls.length).toBe(calls)
  })
})
