import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** The router as it runs in a cluster: a process of its own, that finds the cluster by a kubeconfig. */
export interface RouterProcess extends AsyncDisposable {
  readonly port: number
  /** What it logged so far. */
  readonly log: readonly string[]
  /** Asks it to end; resolves with its exit code. */
  stop(): Promise<number | null>
}

const program = path.resolve(import.meta.dirname, '../../src/router/main.ts')

/** Resolves when it listens; rejects with what it said when it ends before that. */
export async function startRouter(kubeconfig: string, env: Record<string, string>): Promise<RouterProcess> {
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, KUBECONFIG: kubeconfig, ROUTER_LISTEN: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  const log: string[] = []
  const listening = Promise.withResolvers<number>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line)
    if (line.includes('router.listening')) listening.resolve(JSON.parse(line).port)
  })
  void ended.then(() => listening.reject(new Error(`the router ended: ${log.join('\n')}`)))
  const port = await listening.promise
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const [code] = await ended
    return code
  }
  return {
    port,
    log,
    stop: () => stop('SIGTERM'),
    [Symbol.asyncDispose]: async () => {
      await stop('SIGKILL')
    },
  }
}
