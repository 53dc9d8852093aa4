/** What every Backend must do, as tests. Its subjects bring real kernels: `describeBackend('engine, gvisor', makeSubject)`. */
import { CreateSandbox, type CreateSandboxInput, type Sandbox } from '@bulkhead/wire'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Backend } from '../backend.ts'
import { isSandboxId, newSandboxId } from '../id.ts'
import { guestRequest, guestRun } from './guest-call.ts'

export { guestRequest, guestRun } from './guest-call.ts'

/** A Backend with what the tests must know and do behind its back. Without a pool: what is counted is what was asked for. */
export interface BackendSubject extends AsyncDisposable {
  readonly backend: Backend
  /** What every sandbox is asked for with: the runtime under test, an image that is there. */
  readonly request: CreateSandboxInput
  /** A class of isolation that cannot be had here. */
  readonly unavailableIsolation: Sandbox['isolation']
  /** What it cannot do, each with its reason. `hostWitness`: see the process of a kernel, without which nothing is `proven`. */
  readonly lacks?: { readonly hostWitness?: string }
  /** Kills the kernel of a sandbox from outside, with SIGKILL or its like. */
  kill(id: string): Promise<void>
  /** Everything that is there because of a sandbox: processes, cgroups, folders, pods, by name. Empty when no sandbox is left. */
  leftovers(): Promise<string[]>
}

const never = new AbortController().signal

export function describeBackend(name: string, make: () => Promise<BackendSubject>): void {
  describe(`the Backend contract: ${name}`, () => {
    let subject: BackendSubject
    let backend: Backend

    beforeAll(async () => {
      subject = await make()
      backend = subject.backend
    })
    // A test that failed must not make the next one fail.
    afterEach(async () => {
      for (const { id } of await backend.list()) await backend.delete(id)
    })
    afterAll(async () => {
      await subject?.[Symbol.asyncDispose]()
    })

    const request = (input: CreateSandboxInput = {}) => CreateSandbox.parse({ ...subject.request, ...input })
    const create = (input: CreateSandboxInput = {}) => backend.create(request(input), never)
    const run = async (id: string, ...command: string[]) =>
      (await guestRun(await backend.channel(id, never), command)).stdout.trim()
    /** Waits a little: a process that was killed may be seen for a moment after its cgroup is empty, while it gives its memory back. */
    const nothingIsLeft = async () => {
      expect(await backend.list()).toEqual([])
      await vi.waitFor(async () => expect(await subject.leftovers()).toEqual([]), { timeout: 20_000 })
      expect(backend.busy()).toBe(0)
    }

    it('creates a sandbox that runs, is listed, and answers through its channel', async () => {
      const metadata = { 'a name\n"quoted"': '🧱 \t', purpose: 'contract' }
      const sandbox = await create({ metadata, env: { GREETING: 'hello there' } })
      expect(sandbox).toMatchObject({ state: 'running', metadata })
      expect(isSandboxId(sandbox.id)).toBe(true)
      expect(await backend.get(sandbox.id)).toEqual(sandbox)
      expect(await backend.list()).toContainEqual(sandbox)
      const { session } = await backend.channel(sandbox.id, never)
      expect((await guestRequest(session, { ':path': '/health' })).status).toBe(204)
      expect(await run(sandbox.id, 'sh', '-c', 'echo $GREETING')).toBe('hello there')
      expect(await run(sandbox.id, 'hostname')).toBe(sandbox.id)
      await backend.delete(sandbox.id)
      await nothingIsLeft()
    })

    it('gives each sandbox a kernel, a token and a disk of its own', async () => {
      const [one, two] = await Promise.all([create(), create()])
      const read = (path: string) => Promise.all([one, two].map(({ id }) => run(id, 'cat', path)))
      const bootIds = await read('/proc/sys/kernel/random/boot_id')
      expect(new Set(bootIds).size).toBe(2)
      const channels = await Promise.all([one, two].map(({ id }) => backend.channel(id, never)))
      expect(channels[0]?.accessToken).not.toBe(channels[1]?.accessToken)
      await run(one.id, 'sh', '-c', 'echo mine > /tmp/file')
      expect(await read('/tmp/file')).toEqual(['mine', ''])
      await Promise.all([one, two].map(({ id }) => backend.delete(id)))
    })

    it('lets nobody without the token at the data protocol', async () => {
      const { id } = await create()
      const { session, accessToken } = await backend.channel(id, never)
      const list = { ':method': 'POST', ':path': '/process.Process/List', 'content-type': 'application/json' }
      const ask = async (token?: string) =>
        (await guestRequest(session, { ...list, ...(token && { 'x-access-token': token }) }, Buffer.from('{}'))).status
      expect(await ask()).toBe(401)
      expect(await ask('0'.repeat(64))).toBe(401)
      expect(await ask(accessToken)).toBe(200)
      await backend.delete(id)
    })

    it('keeps one session, and makes another when it has ended', async () => {
      const { id } = await create()
      const first = await backend.channel(id, never)
      expect((await backend.channel(id, never)).session).toBe(first.session)
      first.session.destroy()
      const again = await Promise.all([backend.channel(id, never), backend.channel(id, never)])
      expect(again[0].session).toBe(again[1].session)
      expect((await guestRequest(again[0].session, { ':path': '/health' })).status).toBe(204)
      await backend.delete(id)
    })

    it('deletes once, however often it is asked, and remembers', async () => {
      const { id } = await create()
      await Promise.all(Array.from({ length: 8 }, () => backend.delete(id)))
      await backend.delete(id)
      expect(await backend.get(id)).toMatchObject({ id, state: 'stopped' })
      expect((await backend.list({ ended: true })).map((sandbox) => sandbox.id)).toContain(id)
      await expect(backend.channel(id, never)).rejects.toMatchObject({ code: 'sandbox_not_running' })
      await expect(backend.evidence(id, never)).rejects.toMatchObject({ code: 'sandbox_not_running' })
      await expect(backend.setDeadline(id, 1000)).rejects.toMatchObject({ code: 'sandbox_not_running' })
      await nothingIsLeft()
    })

    it.each([newSandboxId(), '', '..', 'sb-\n', '🧱', 'x'.repeat(300)])('knows no sandbox %j', async (id) => {
      const unknown = { code: 'sandbox_not_found' }
      await expect(backend.get(id)).rejects.toMatchObject(unknown)
      await expect(backend.delete(id)).rejects.toMatchObject(unknown)
      await expect(backend.setDeadline(id, 1000)).rejects.toMatchObject(unknown)
      await expect(backend.channel(id, never)).rejects.toMatchObject(unknown)
      await expect(backend.evidence(id, never)).rejects.toMatchObject(unknown)
    })

    it('refuses what it cannot give, and leaves nothing', async () => {
      const refusal = async (input: CreateSandboxInput) =>
        create(input).then(
          () => 'created',
          (error) => error.code
        )
      expect(await refusal({ isolation: subject.unavailableIsolation })).toBe('isolation_unavailable')
      expect(await refusal({ image: 'there-is-no-such-image' })).toBe('image_not_found')
      await expect(backend.create({ ...request(), memoryBytes: 0 }, never)).rejects.toMatchObject({
        code: 'invalid_request',
      })
      await nothingIsLeft()
    })

    it.each([0, 5, 20, 60, 150, 400, 1000])(
      'leaves nothing of a create that is aborted after %i ms',
      async (afterMs) => {
        const abort = AbortSignal.timeout(afterMs)
        const outcome = await backend.create(request(), abort).then(
          (sandbox) => sandbox,
          (error: unknown) => error
        )
        // It may have been quicker than the abort.
        if (!(outcome instanceof Error)) await backend.delete((outcome as Sandbox).id)
        await vi.waitFor(nothingIsLeft, { timeout: 30_000 })
      }
    )

    it('ends a sandbox at its deadline, and not when the deadline was moved or taken away', async () => {
      const [due, moved, freed] = await Promise.all([1, 2, 3].map(() => create({ deadlineMs: 3_600_000 })))
      if (!due || !moved || !freed) throw new Error('unreachable')
      expect(Date.parse(due.deadlineAt ?? '')).toBeGreaterThan(Date.now())
      expect(backend.busy()).toBe(3)
      expect((await backend.setDeadline(freed.id, null)).deadlineAt).toBeUndefined()
      await backend.setDeadline(moved.id, 7_200_000)
      await backend.setDeadline(due.id, 1)
      await vi.waitFor(async () => expect(await backend.get(due.id)).toMatchObject({ state: 'stopped' }), {
        timeout: 20_000,
      })
      expect((await backend.get(due.id)).reason).toMatch(/deadline/)
      expect((await backend.list()).map(({ id }) => id).sort()).toEqual([moved.id, freed.id].sort())
      await Promise.all([moved, freed].map(({ id }) => backend.delete(id)))
      await nothingIsLeft()
    })

    it('takes evidence that proves a kernel of its own, fresh each time', async () => {
      const [one, two] = await Promise.all([create(), create()])
      const first = await backend.evidence(one.id, never)
      const second = await backend.evidence(one.id, never)
      const other = await backend.evidence(two.id, never)
      for (const evidence of [first, second, other]) {
        expect(evidence.verdict.checks.filter((check) => !check.held)).toEqual([])
        expect(evidence.verdict.outcome).toBe(subject.lacks?.hostWitness ? 'unknown' : 'proven')
      }
      expect(second.inside?.nonce).not.toBe(first.inside?.nonce)
      expect(second.inside?.bootId).toBe(first.inside?.bootId)
      expect(other.inside?.bootId).not.toBe(first.inside?.bootId)
      if (!subject.lacks?.hostWitness) expect(other.host?.pid).not.toBe(first.host?.pid)
      await Promise.all([one, two].map(({ id }) => backend.delete(id)))
    })

    it('notices a kernel that was killed, says so, and touches no other', async () => {
      const [victim, neighbour] = await Promise.all([create(), create()])
      await subject.kill(victim.id)
      await vi.waitFor(async () => expect(await backend.get(victim.id)).toMatchObject({ state: 'failed' }), {
        timeout: 20_000,
      })
      expect((await backend.get(victim.id)).reason).toMatch(/killed|crashed/)
      await expect(backend.channel(victim.id, never)).rejects.toMatchObject({ code: 'sandbox_not_running' })
      expect(await run(neighbour.id, 'echo', 'still here')).toBe('still here')
      await backend.delete(neighbour.id)
      await vi.waitFor(nothingIsLeft, { timeout: 30_000 })
    })

    it('says of itself which runtimes it has', async () => {
      const reports = await backend.runtimes({}, never)
      expect(reports.filter((report) => report.usable).length).toBeGreaterThan(0)
    })

    it('makes and removes several at once', async () => {
      const made = await Promise.all(
        Array.from({ length: 5 }, (_, index) => create({ metadata: { index: String(index) } }))
      )
      expect(new Set(made.map(({ id }) => id)).size).toBe(5)
      expect(await Promise.all(made.map(({ id }) => run(id, 'hostname')))).toEqual(made.map(({ id }) => id))
      await Promise.all(made.map(({ id }) => backend.delete(id)))
      await nothingIsLeft()
    })
  })
}
