import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessExit, Sandbox } from '@bulkhead/sdk/node'
import { CgroupParent } from '../../packages/kernel/src/confine/cgroup.ts'
import type { Product } from '../support/product.ts'

const patienceMs = 60_000
const saidBytes = 1024 * 1024

/** A sandbox in which an attack runs, and what came of it. */
export class Attacked {
  readonly sandbox: Sandbox
  /** What the attack has told of itself so far. */
  said = ''
  /** How it ended; undefined when the answer was lost with the guest or its session. */
  exit: ProcessExit | undefined
  over = false
  readonly #product: Product

  constructor(product: Product, sandbox: Sandbox) {
    this.#product = product
    this.sandbox = sandbox
  }

  /** Runs it to its end, or the guest's. */
  async run(program: string, timeoutMs: number): Promise<void> {
    const decoder = new TextDecoder()
    try {
      const { exit } = await this.sandbox.run(['python3', '-c', program], {
        user: 'root',
        timeoutMs,
        maxOutputBytes: saidBytes,
        onStdout: (chunk) => {
          if (this.said.length < saidBytes) this.said += decoder.decode(chunk, { stream: true })
        },
      })
      this.exit = exit
    } catch {
      // The guest is gone, or its session: `proof` tells which it has to be.
    } finally {
      this.over = true
    }
  }

  /** What it last told under that name, `name=number`; -1 when it never did. */
  number(name: string): number {
    const found = this.said.matchAll(new RegExp(`(?:^|\\s)${name}=(\\d+)`, 'g'))
    return Number([...found].at(-1)?.[1] ?? -1)
  }

  /** Why the sandbox has failed, once it has. */
  async failure(): Promise<string | undefined> {
    const patience = AbortSignal.timeout(patienceMs)
    for (;;) {
      const all = await this.#product.client.sandboxes.list({ ended: true })
      const info = all.find(({ id }) => id === this.sandbox.id)?.info
      if (info?.state === 'failed') return info.reason
      // Told by no event to a client.
      await sleep(50, undefined, { signal: patience })
    }
  }

  /** The output of a shell, by root; asked again while the guest cannot be reached. */
  async ask(script: string): Promise<string> {
    const patience = AbortSignal.timeout(patienceMs)
    for (;;) {
      try {
        const { stdout } = await this.sandbox.run(['sh', '-c', script], { user: 'root', timeoutMs: 10_000 })
        return new TextDecoder().decode(stdout)
      } catch (error) {
        if (patience.aborted) throw error
      }
    }
  }

  /** By the host, in the sandbox's cgroup. */
  async outOfMemoryKills(): Promise<number> {
    const { id, info } = this.sandbox
    const parent = await CgroupParent.open(path.basename(path.dirname(this.#product.socketPath)))
    const cgroup = await parent.find(`${info.runtime}-${id}`)
    if (!cgroup) throw new Error(`${id} has no cgroup`)
    return cgroup.outOfMemoryKills()
  }
}
