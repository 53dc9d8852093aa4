import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { ControlPlane } from './control-plane.ts'

const main = path.join(import.meta.dirname, '../../src/operator/main.ts')

const patienceMs = 30_000

/** A line of the operator's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

/** The operator in a process of its own. */
export interface OperatorChild extends AsyncDisposable {
  readonly pid: number
  /** Resolves with the first line, already written or to come, that has this message and these facts; rejects when the process ends without. */
  says(message: string, facts?: object): Promise<LogLine>
  /** Whether it has said so. */
  hasSaid(message: string): boolean
  get(server: 'metrics' | 'health', path: string): Promise<{ readonly status: number; readonly body: string }>
  signal(name: NodeJS.Signals): void
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

export interface OperatorChildOptions {
  /** Default: from the sources. */
  readonly program?: string
}

export function spawnOperator(
  { kubeconfig }: Pick<ControlPlane, 'kubeconfig'>,
  flags: readonly string[],
  { program = main }: OperatorChildOptions = {}
): OperatorChild {
  const args = [
    `--kubeconfig=${kubeconfig}`,
    '--metrics-bind-address=127.0.0.1:0',
    '--health-probe-bind-address=127.0.0.1:0',
    ...flags,
  ]
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const lines: LogLine[] = []
  const waiters = new Set<() => void>()
  const wake = () => {
    for (const waiter of [...waiters]) waiter()
  }
  if (!child.stderr) throw new Error('no stderr')
  const log = createInterface({ input: child.stderr })
  log.on('line', (line) => {
    lines.push(line.startsWith('{') ? JSON.parse(line) : { msg: line })
    wake()
  })
  let closed = false
  log.once('close', () => {
    closed = true
    wake()
  })
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal)
  const find = (message: string, facts: object) =>
    lines.find((line) => line.msg === message && Object.entries(facts).every(([key, value]) => line[key] === value))
  const says: OperatorChild['says'] = async (message, facts = {}) => {
    for (;;) {
      const found = find(message, facts)
      if (found) return found
      if (closed) throw new Error(`ended without "${message}": ${JSON.stringify(lines.slice(-5))}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      waiters.add(resolve)
      await promise
      waiters.delete(resolve)
    }
  }
  return {
    pid: child.pid ?? 0,
    says,
    hasSaid: (message) => find(message, {}) !== undefined,
    get: async (server, address) => {
      const name = server === 'metrics' ? 'metrics-bind-address' : 'health-probe-bind-address'
      const { port } = await says('http.listening', { server: name })
      const response = await fetch(`http://127.0.0.1:${port}${address}`)
      return { status: response.status, body: await response.text() }
    },
    signal: (name) => void child.kill(name),
    ended,
    [Symbol.asyncDispose]: async () => {
      // Gives its lease back; one that does not, for once, is ended in any case.
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await ended
      clearTimeout(late)
    },
  }
}
