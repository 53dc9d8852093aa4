import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFailed } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')
const program = join(root, 'packages/kubernetes/src/operator/main.ts')

export interface OperatorOptions {
  readonly kubeconfig: string
  /** Default true; `--leader-elect`. */
  readonly leaderElection?: boolean
  /** Its wall clock is off by this. */
  readonly clockOffsetMs?: number
  readonly flags?: readonly string[]
  /** For one that is started before the tests: its log is not shown when one of them fails. */
  readonly isQuiet?: boolean
}

export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Where all operators of these tests have their lease; it has to be there. */
export const operatorNamespace = 'agent-sandbox-system'

const pollMs = 50
const readyDeadlineMs = 60_000
const stopDeadlineMs = 30_000
const shownLines = 60
const shownOfLine = 400
const shownLogs = 3
const started: OperatorProcess[] = []

/** All that were started and have not ended: none outlives the process that runs the tests, however that ends. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** The operator as a process of the host. Its log is shown when the test that started it fails. Disposing ends it, at first as Kubernetes would. */
export class OperatorProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #healthPort: number
  readonly #metricsPort: number
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<End>

  private constructor(child: ChildProcess, folder: string, healthPort: number, metricsPort: number) {
    this.#child = child
    this.#folder = folder
    this.#healthPort = healthPort
    this.#metricsPort = metricsPort
    running.add(child)
    this.ended = once(child, 'exit').then(([code, signal]) => {
      running.delete(child)
      return { code, signal } as End
    })
  }

  /** Returns when the process is there; see {@link ready}. */
  static async start(options: OperatorOptions): Promise<OperatorProcess> {
    const [healthPort, metricsPort] = (await freePorts(2)) as [number, number]
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-operator-'))
    const offset = options.clockOffsetMs
    const log = openSync(join(folder, 'log'), 'a')
    try {
      const child = spawn(
        process.execPath,
        [
          ...(offset === undefined ? [] : ['--import', join(import.meta.dirname, 'clock-offset.ts')]),
          program,
          `--kubeconfig=${options.kubeconfig}`,
          '--extensions',
          `--leader-elect=${options.leaderElection ?? true}`,
          `--leader-election-namespace=${operatorNamespace}`,
          `--metrics-bind-address=127.0.0.1:${metricsPort}`,
          `--health-probe-bind-address=127.0.0.1:${healthPort}`,
          ...(options.flags ?? []),
        ],
        {
          stdio: ['ignore', log, log],
          env: {
            ...process.env,
            // Type-stripped code is kept from one start to the next.
            NODE_COMPILE_CACHE: join(root, '.cache/compile'),
            ...(offset !== undefined && { BULKHEAD_TEST_CLOCK_OFFSET_MS: String(offset) }),
          },
        }
      )
      const operator = new OperatorProcess(child, folder, healthPort, metricsPort)
      await once(child, 'spawn')
      started.push(operator)
      if (started.length > shownLogs) started.shift()
      if (options.isQuiet) return operator
      onTestFailed(() => {
        // A test that starts a hundred shows the last ones.
        if (started.includes(operator)) process.stderr.write(`log of operator ${operator.pid}:\n${operator.#keptLog}\n`)
      })
      return operator
    } finally {
      closeSync(log)
    }
  }

  get pid(): number {
    return this.#child.pid as number
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Resolves when it says that it is ready. Fails when it ends before. */
  async ready(): Promise<void> {
    const url = `http://127.0.0.1:${this.#healthPort}/readyz`
    const patience = AbortSignal.timeout(readyDeadlineMs)
    // Nothing tells when another program is ready: it has to be asked.
    for (;;) {
      if (this.hasEnded) throw new Error(`the operator has ended by itself:\n${this.log()}`)
      if (
        await fetch(url, { signal: patience }).then(
          ({ ok }) => ok,
          () => false
        )
      )
        return
      patience.throwIfAborted()
      await sleep(pollMs)
    }
  }

  /** The text of its metrics. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text()
  }

  /** As a crash ends it. Fine when it has ended. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL')
    await this.ended
  }

  /** As Kubernetes ends it: SIGTERM, and SIGKILL when that takes too long. */
  async stop(): Promise<End> {
    if (!this.hasEnded) this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), stopDeadlineMs)
    try {
      return await this.ended
    } finally {
      clearTimeout(late)
    }
  }

  /** It stands still, in the middle of whatever it does; the rest of the world goes on. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  log(): string {
    try {
      return readFileSync(join(this.#folder, 'log'), 'utf8')
    } catch {
      return ''
    }
  }

  /** Read before its folder is removed: a test's failure is told after that. */
  #kept = ''
  get #keptLog(): string {
    const lines = (this.log() || this.#kept).trimEnd().split('\n')
    return lines
      .slice(-shownLines)
      .map((line) => line.slice(0, shownOfLine))
      .join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw()
    await this.stop()
    this.#kept = this.log()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    })
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
