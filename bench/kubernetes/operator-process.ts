import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeFlags } from '../../tools/operator/image.ts'
import { samplesOf, total } from './metrics-text.ts'
import { type ProcessUsage, usageOf } from './process-usage.ts'

const preload = path.join(import.meta.dirname, 'as-in-a-pod.ts')
const logs = path.resolve(import.meta.dirname, '../../.cache/bench')
const readyWithinMs = 60_000
const lookEveryMs = 10
/** Longer than it takes itself for a hand-over. */
const endWithinMs = 35_000

export interface OperatorPlace {
  /** Its one file, as in the image. */
  readonly program: string
  readonly server: URL
  /** Folder with `token`, `ca.crt` and `namespace`, as Pods have it. */
  readonly serviceAccount: string
}

/** The operator as it runs in its Pod, but as a process of the host: the image's file, its Node flags, a service account. Disposing asks it to end, and waits. */
export class OperatorProcess implements AsyncDisposable {
  /** From its start until its caches were synced: `/readyz`. */
  readonly readyAfterMs: number
  readonly #child: ChildProcess
  readonly #metricsPort: number

  private constructor(child: ChildProcess, metricsPort: number, readyAfterMs: number) {
    this.#child = child
    this.#metricsPort = metricsPort
    this.readyAfterMs = readyAfterMs
  }

  /** Returns when it is ready. `name`: of its log in .cache/bench, which is kept. */
  static async start({ program, server, serviceAccount }: OperatorPlace, name: string): Promise<OperatorProcess> {
    const [metricsPort, healthPort] = await freePorts()
    mkdirSync(logs, { recursive: true })
    const logFile = path.join(logs, `${name}.log`)
    const log = openSync(logFile, 'w')
    const args = [
      '--extensions',
      '--isolation',
      '--leader-elect=true',
      `--metrics-bind-address=127.0.0.1:${metricsPort}`,
      `--health-probe-bind-address=127.0.0.1:${healthPort}`,
    ]
    const startedMs = performance.now()
    // `unshare` becomes Node: one process, whose usage is the operator's.
    const inNamespace = ['--mount', '--propagation=private', process.execPath, `--import=${preload}`]
    const child = spawn('unshare', [...inNamespace, ...nodeFlags, program, ...args], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        KUBERNETES_SERVICE_HOST: server.hostname,
        KUBERNETES_SERVICE_PORT: server.port,
        BENCH_SERVICE_ACCOUNT: serviceAccount,
      },
    })
    closeSync(log)
    try {
      await once(child, 'spawn')
      await untilReady(child, `http://127.0.0.1:${healthPort}/readyz`)
      return new OperatorProcess(child, metricsPort, performance.now() - startedMs)
    } catch (cause) {
      await end(child)
      throw new Error(`the operator did not become ready; ${logFile} ends with: ${endOf(logFile)}`, { cause })
    }
  }

  get usage(): ProcessUsage {
    if (hasEnded(this.#child)) throw new Error('the operator has ended by itself')
    return usageOf(this.#child.pid as number)
  }

  /** Requests that write, by its own count. */
  async writes(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)
    if (!answer.ok) throw new Error(`the operator's /metrics says ${answer.status}`)
    const samples = samplesOf(await answer.text(), 'rest_client_requests_total')
    return total(samples.filter(({ labels }) => labels.method !== 'GET'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child)
  }
}

/** Nothing tells that another process is ready: it has to be asked. */
async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadlineMs = performance.now() + readyWithinMs
  for (;;) {
    if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false
      )
    )
      return
    if (performance.now() > deadlineMs) throw new Error(`not within ${readyWithinMs / 1000} s`)
    await sleep(lookEveryMs)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const kill = setTimeout(() => {
    process.stderr.write(`the operator does not end ${endWithinMs / 1000} s after it was asked to: killed\n`)
    child.kill('SIGKILL')
  }, endWithinMs)
  await gone
  clearTimeout(kill)
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

const endOf = (file: string): string => readFileSync(file, 'utf8').slice(-1000)

/** Two that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening')
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  for (const server of servers) await once(server.close(), 'close')
  return ports as [number, number]
}
