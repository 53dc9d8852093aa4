import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Sandbox } from '@bulkhead/sdk/node'
import { create } from 'tar'
import { expect } from 'vitest'
import { bringBack } from '../../packages/cli/src/run/bring-back.ts'

const canary = 'unharmed\n'
const link = '/tmp/swap/way'

/**
 * Uploads and downloads by the sandbox's ordinary user through a link that root in the guest swaps meanwhile. What must not change: a file of
 * root's in the guest, which that user may not write, and whatever lies on the host beside the place of the download.
 */
export class SwappedLink implements AsyncDisposable {
  readonly #sandbox: Sandbox
  readonly #host: string
  #went = { up: 0, down: 0 }

  private constructor(sandbox: Sandbox, host: string) {
    this.#sandbox = sandbox
    this.#host = host
  }

  static async open(sandbox: Sandbox): Promise<SwappedLink> {
    const host = await mkdtemp('/var/tmp/bulkhead-swap-')
    await writeFile(path.join(host, 'canary'), canary)
    await sandbox.files.write('/etc/canaries/canary', canary, { user: 'root' })
    return new SwappedLink(sandbox, host)
  }

  /** Each may fail, as the link may lead anywhere; how many went well is counted. */
  async upAndDown(round: number): Promise<void> {
    const { files, tree } = this.#sandbox
    const count = (what: 'up' | 'down') => () => void this.#went[what]++
    const nothing = () => {}
    await files.write(`${link}/canary`, `round ${round}`, { user: 'user' }).then(count('up'), nothing)
    const folder = create({ cwd: this.#host, portable: true }, ['canary'])
    await tree.upload(link, folder, { user: 'user' }).then(count('up'), nothing)
    await files.read(`${link}/canary`, { user: 'user' }).then(count('down'), nothing)
    // The command's own way back, `--out`; the download is the guest's folder, or nothing.
    const into = await mkdtemp(path.join(this.#host, 'into-'))
    const options = { workdir: undefined, user: 'user', signal: AbortSignal.timeout(5000), into }
    await bringBack(this.#sandbox, `${link}/canary`, options).then(count('down'), nothing)
  }

  async check(): Promise<void> {
    expect(this.#went.up, 'uploads').toBeGreaterThan(0)
    expect(this.#went.down, 'downloads').toBeGreaterThan(0)
    expect(await this.#sandbox.files.readText('/etc/canaries/canary')).toBe(canary)
    expect(await readFile(path.join(this.#host, 'canary'), 'utf8')).toBe(canary)
    // Into each folder came the one name that was asked for, if anything.
    for (const name of await readdir(this.#host)) {
      if (name === 'canary') continue
      expect(['', 'canary']).toContain((await readdir(path.join(this.#host, name))).join())
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#host, { recursive: true, force: true })
  }
}
