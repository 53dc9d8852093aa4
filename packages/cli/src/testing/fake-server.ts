import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Evidence } from '@bulkhead/wire'
import { routes } from '@bulkhead/wire/routes'
import { type Paths, resolvePaths } from '../paths.ts'
import { sourceDirectory } from '../source-directory.ts'
import { sourceKey } from '../source-key.ts'

const id = 'sb-aaaaaaaaaaaaaaaaaaaa'
const info = {
  id,
  state: 'running',
  image: 'default',
  imageDigest: 'sha256:0',
  runtime: 'gvisor',
  isolation: 'userspace',
  memoryBytes: 1,
  cpus: 1,
  diskBytes: 1024 * 1024,
  metadata: {},
  createdAt: '2026-01-01T00:00:00Z',
  origin: 'boot',
}

/** What the guest does with a call, `SendSignal` or `/tree` for example. One it does not know it never answers. */
export type GuestCalls = Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>>

/**
 * A server that the real command line takes for its own, with one sandbox whose guest does what a test wants. What a hostile agent does to its user
 * shows here without any kernel.
 */
export class FakeServer implements AsyncDisposable {
  guest: GuestCalls = {}
  /** Of the one sandbox. */
  evidence: Evidence | undefined
  /** `CREATE`, `DELETE`, and the guest's calls by name, in their order. */
  readonly calls: string[] = []
  /** The current folder of the commands. */
  readonly work: string
  readonly #state = mkdtempSync(join(tmpdir(), 'bulkhead-fake-'))
  readonly #runtime = mkdtempSync(join(tmpdir(), 'bh-run-'))
  readonly #paths: Paths
  readonly #server = createServer((request, response) => this.#answer(request, response))
  readonly #children = new Set<ChildProcessByStdio<null, Readable, Readable>>()
  #called: (() => void) | undefined

  private constructor() {
    this.#paths = resolvePaths(this.#state, this.#env, process.getuid?.() ?? 0)
    this.work = join(this.#state, 'work')
    mkdirSync(this.work)
    mkdirSync(this.#paths.run, { recursive: true })
  }

  static async start(): Promise<FakeServer> {
    const fake = new FakeServer()
    const { source, serverSocket, serverRecord } = fake.#paths
    fake.#server.listen(serverSocket)
    await once(fake.#server, 'listening')
    writeFileSync(
      serverRecord,
      JSON.stringify({ pid: process.pid, sourceKey: sourceKey(source), startedAt: info.createdAt })
    )
    return fake
  }

  /** The command line, as a process of its own. */
  run(...args: string[]): {
    child: ChildProcessByStdio<null, Readable, Readable>
    ended: Promise<{ code: number | null; stdout: string; stderr: string }>
  } {
    const child = spawn(process.execPath, [join(sourceDirectory, 'packages/cli/src/main.ts'), ...args], {
      cwd: this.work,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#children.add(child)
    const text = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk))
    child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk))
    return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...text })) }
  }

  /** Resolves when that call has come. */
  async called(name: string): Promise<void> {
    while (!this.calls.includes(name)) await new Promise<void>((resolve) => (this.#called = resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    for (const folder of [this.#paths.run, this.#state, this.#runtime]) rmSync(folder, { recursive: true, force: true })
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, BULKHEAD_STATE_DIR: this.#state, XDG_RUNTIME_DIR: this.#runtime }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request
    response.on('error', () => {})
    const json = (status: number) => response.writeHead(status).end(JSON.stringify(info))
    if (url.startsWith(routes.guest(id))) {
      const name = url.replace(/\?.*/, '').replace(/^.*\//, '')
      this.#note(name)
      request.on('end', () => this.guest[name]?.(response, request)).resume()
    } else if (url === routes.sandboxEvidence(id)) {
      response.end(JSON.stringify(this.evidence))
    } else if (url === routes.evidence) {
      response.end(JSON.stringify({ evidence: [this.evidence], failed: [] }))
    } else if (method === 'POST' && url === routes.sandboxes) {
      this.#note('CREATE')
      json(201)
    } else if (method === 'DELETE') {
      this.#note('DELETE')
      response.writeHead(204).end()
    } else {
      json(200) // the sandbox, and its deadline
    }
  }

  #note(call: string): void {
    this.calls.push(call)
    this.#called?.()
  }
}
