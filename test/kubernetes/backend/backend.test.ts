import type { Backend } from '@bulkhead/sandbox'
import { type BackendSubject, describeBackend, guestRun } from '@bulkhead/sandbox/contract'
import { CreateSandbox } from '@bulkhead/wire'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type SandboxClaim, sandboxWarmPools } from '../../../packages/kubernetes/src/api/index.ts'
import { busyboxImage, whyNotHere } from '../../../tools/cluster/test-cluster.ts'
import { BackendGround, namespace } from './test-backend.ts'

const minutes = 60_000
const never = new AbortController().signal
const request = { image: busyboxImage, runtime: 'gvisor', memoryBytes: 128 * 1024 * 1024 } as const

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes/backend is skipped, because ${reason}\n`)

describe.skipIf(reason !== undefined)('on a cluster', () => {
  let ground: BackendGround

  beforeAll(async () => {
    ground = await BackendGround.open()
  }, 30 * minutes)
  afterAll(() => ground?.[Symbol.asyncDispose](), 2 * minutes)

  // A cluster has many reasons for the same time-out.
  beforeEach(({ onTestFailed }) => {
    onTestFailed(async () => void process.stderr.write(`${await ground.describe()}\n`))
  })

  const makeSubject = async (): Promise<BackendSubject> => {
    const backend = await ground.server()
    return {
      backend,
      request,
      unavailableIsolation: 'hardware',
      lacks: { hostWitness: 'nobody on the node looks at the process of the kernel' },
      kill: (id) => ground.killKernel(id),
      leftovers: () => ground.leftovers(),
      [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    }
  }
  describeBackend('kubernetes with gvisor', makeSubject)

  describe('more than one server', () => {
    const create = (server: Backend, more: object = {}) =>
      server.create(CreateSandbox.parse({ ...request, ...more }), never)
    const say = async (server: Backend, id: string, ...command: string[]) =>
      (await guestRun(await server.channel(id, never), command)).stdout.trim()
    const server = async (...options: Parameters<BackendGround['server']>) => {
      const opened = await ground.server(...options)
      onTestFinished(() => opened[Symbol.asyncDispose]())
      return opened
    }
    const nothingIsLeft = () => expect.poll(() => ground.leftovers(), { timeout: minutes }).toEqual([])

    it('knows what another has made, also when that one is gone', async () => {
      const first = await server()
      const made = await create(first, { metadata: { a: 'b' }, env: { WORD: 'kept' }, deadlineMs: 3_600_000 })
      await first[Symbol.asyncDispose]()
      const second = await server()
      expect(await second.get(made.id)).toEqual(made)
      expect(await say(second, made.id, 'sh', '-c', 'echo $WORD')).toBe('kept')
      await second.delete(made.id)
      await nothingIsLeft()
    })

    it('loses nothing of one that dies while it makes a sandbox', async () => {
      // It never gets into the Pod: for the cluster, as if it had died before.
      const dial = () => Promise.reject(Object.assign(new Error('dead'), { code: 'ECONNREFUSED' }))
      const dying = await server({ dial })
      const making = create(dying)
      making.catch(() => {})
      const next = await server()
      await expect.poll(async () => (await next.list()).map(({ state }) => state)).toEqual(['creating'])
      const claim = await ground.onlyClaim()
      // The operator removes it by itself, and with it all that it has.
      expect(claim.spec.lifecycle).toMatchObject({
        shutdownPolicy: 'Delete',
      } satisfies SandboxClaim['spec']['lifecycle'])
      const [{ id = '' } = {}] = await next.list()
      await next.delete(id)
      await expect(making).rejects.toMatchObject({
        code: expect.stringMatching(/sandbox_not_(running|found)|cluster_too_slow/),
      })
      await nothingIsLeft()
    })

    it('says that a sandbox is lost whose Pod somebody has removed', async () => {
      const backend = await server()
      const { id } = await create(backend)
      await ground.removePod(id)
      await expect.poll(() => backend.get(id), { timeout: minutes }).toMatchObject({ state: 'lost', reason: /removed/ })
      await nothingIsLeft()
    })

    it('does not let the token of one sandbox into another', async () => {
      const backend = await server()
      const [one, other] = await Promise.all([create(backend), create(backend)])
      const [to, from] = await Promise.all([one, other].map(({ id }) => backend.channel(id, never)))
      if (!to || !from) throw new Error('unreachable')
      await expect(guestRun({ session: to.session, accessToken: from.accessToken }, ['true'])).rejects.toThrow(/401/)
      await Promise.all([one, other].map(({ id }) => backend.delete(id)))
      await nothingIsLeft()
    })

    it('takes sandboxes from a pool, each with its own environment', async () => {
      const backend = await server({ poolSize: 1 })
      const cold = await create(backend)
      const ready = async () =>
        (await ground.client.list(sandboxWarmPools, { namespace })).items.map(({ status }) => status?.readyReplicas)
      await expect.poll(ready, { timeout: minutes }).toContain(1)
      const warm = await create(backend, { env: { WORD: 'mine' } })
      expect(warm.origin).toBe('pool')
      expect(await say(backend, warm.id, 'sh', '-c', 'echo $WORD')).toBe('mine')
      expect(await say(backend, cold.id, 'sh', '-c', 'echo $WORD')).toBe('')
      await Promise.all([cold, warm].map(({ id }) => backend.delete(id)))
      expect((await backend.images.prune()).map(({ names }) => names)).toEqual([[busyboxImage, 'default']])
      await nothingIsLeft()
    })

    it('needs no more than what our manifests permit', async () => {
      const backend = await server({ access: await ground.asServer() })
      const { id } = await create(backend)
      expect(await say(backend, id, 'echo', 'here')).toBe('here')
      const evidence = await backend.evidence(id, never)
      expect(evidence).not.toHaveProperty('host')
      expect(evidence.verdict.checks).toHaveLength(4)
      await backend.setDeadline(id, 3_600_000)
      await backend.delete(id)
      await backend.images.prune()
      await nothingIsLeft()
    })

    it('pulls an image by starting a sandbox from it, and says of one that is none that it is none', async () => {
      const backend = await server()
      const image = await backend.images.pull(busyboxImage, () => {}, never)
      expect(image).toMatchObject({ names: [busyboxImage, 'default'], digest: expect.stringMatching(/^sha256:/) })
      await expect(backend.images.pull('no/such:image', () => {}, never)).rejects.toMatchObject({
        code: 'image_not_found',
      })
      // What nobody can have is not kept: a pool would try to make members of it for ever.
      expect((await backend.images.list()).map(({ names }) => names)).toEqual([[busyboxImage, 'default']])
      await expect(backend.images.remove('no/such:image')).rejects.toMatchObject({ code: 'image_not_found' })
      expect(await backend.images.remove('default')).toMatchObject({ inUse: false })
      await expect(backend.images.remove(busyboxImage)).rejects.toMatchObject({ code: 'image_not_found' })
      await nothingIsLeft()
    })
  })
})
