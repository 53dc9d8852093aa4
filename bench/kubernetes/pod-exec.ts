import { PassThrough } from 'node:stream'
import type { Exec } from '@kubernetes/client-node'

/** Runs commands in Pods, as `kubectl exec` does, without the start of a program in the time. */
export class PodExec {
  readonly #exec: Exec

  private constructor(exec: Exec) {
    this.#exec = exec
  }

  /** The library is large, and only this needs it. */
  static async open(kubeconfig: string): Promise<PodExec> {
    const { Exec, KubeConfig } = await import('@kubernetes/client-node')
    const config = new KubeConfig()
    config.loadFromFile(kubeconfig)
    return new PodExec(new Exec(config))
  }

  /** Resolves with the first that a command says. */
  async firstAnswer(pod: { namespace: string; name: string; container: string }, command: string[]): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const stdout = new PassThrough()
    stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    const socket = await this.#exec.exec(pod.namespace, pod.name, pod.container, command, stdout, null, null, false)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`exec in ${pod.name} ended without an answer`)))
    try {
      return await promise
    } finally {
      socket.close()
    }
  }
}
