import type { Backend, GuestEndpoint } from '@bulkhead/sandbox'
import {
  type CreateSandbox,
  type Evidence,
  failure,
  type Image,
  type ImageProgress,
  type RuntimeReport,
  type Sandbox,
} from '@bulkhead/wire'

export const accessToken = 'the-token-of-the-guest'

/** The smallest Backend: sandboxes are rows in a map, their guests whatever `connect` gives. Tests replace single methods. */
export class TestBackend implements Backend {
  readonly sandboxes = new Map<string, Sandbox>()
  /** Gives the session to the guest of a sandbox. */
  connect: (id: string) => Promise<GuestEndpoint['session']> = async (id) => {
    throw failure('guest_unreachable', { id, reason: 'no guest in this test' })
  }
  channelCalls = 0
  busyCount = 0
  /** What `create` waits for, after it has been called and before there is a sandbox. */
  beforeCreated: (signal: AbortSignal) => Promise<void> = async () => {}
  #next = 0

  add(changes: Partial<Sandbox> = {}): Sandbox {
    const sandbox: Sandbox = {
      id: `sb-${String(this.#next++).padStart(20, 'a')}`,
      state: 'running',
      image: 'default',
      imageDigest: 'sha256:0',
      runtime: 'gvisor',
      isolation: 'userspace',
      memoryBytes: 1,
      cpus: 1,
      diskBytes: 1,
      metadata: {},
      createdAt: '2026-01-01T00:00:00Z',
      origin: 'boot',
      ...changes,
    }
    this.sandboxes.set(sandbox.id, sandbox)
    return sandbox
  }

  async create(request: CreateSandbox, signal: AbortSignal): Promise<Sandbox> {
    await this.beforeCreated(signal)
    const { image, memoryBytes, cpus, diskBytes, metadata } = request
    return this.add({ image, memoryBytes, cpus, diskBytes, metadata })
  }
  async get(id: string): Promise<Sandbox> {
    const sandbox = this.sandboxes.get(id)
    if (!sandbox) throw failure('sandbox_not_found', { id })
    return sandbox
  }
  async list(): Promise<Sandbox[]> {
    return [...this.sandboxes.values()]
  }
  async delete(id: string): Promise<void> {
    await this.get(id)
    this.sandboxes.delete(id)
  }
  async setDeadline(id: string, deadlineMs: number | null): Promise<Sandbox> {
    const sandbox = await this.get(id)
    return deadlineMs === null ? sandbox : { ...sandbox, deadlineAt: '2026-01-01T00:00:01Z' }
  }
  async channel(id: string): Promise<GuestEndpoint> {
    this.channelCalls += 1
    const { state } = await this.get(id)
    if (state !== 'running') throw failure('sandbox_not_running', { id, state })
    return { session: await this.connect(id), accessToken }
  }
  async evidence(id: string): Promise<Evidence> {
    await this.get(id)
    throw failure('guest_unreachable', { id, reason: 'no guest in this test' })
  }
  async runtimes(): Promise<RuntimeReport[]> {
    return []
  }
  readonly images = {
    async list(): Promise<Image[]> {
      return []
    },
    async pull(_reference: string, _progress: (event: ImageProgress) => void, _signal: AbortSignal): Promise<Image> {
      return { digest: 'sha256:1', names: ['one'], sizeBytes: 1, createdAt: '2026-01-01T00:00:00Z' }
    },
    async remove(name: string): Promise<Image> {
      return { digest: 'sha256:1', names: [name], sizeBytes: 1, createdAt: '2026-01-01T00:00:00Z' }
    },
    async prune(): Promise<Image[]> {
      return []
    },
  }
  busy(): number {
    return this.busyCount
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
