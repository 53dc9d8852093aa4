import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import type { ControlPlane } from './control-plane.ts'

/** Beside the API server it was built with, which may be there by a link. */
function program(): string | undefined {
  const folders = (process.env.BULKHEAD_TEST_KUBERNETES ?? '').split(path.delimiter).filter(Boolean)
  return folders
    .map((folder) => path.join(folder, 'kube-apiserver'))
    .filter((apiServer) => existsSync(apiServer))
    .map((apiServer) => path.join(path.dirname(realpathSync(apiServer)), 'kube-controller-manager'))
    .find((file) => existsSync(file))
}

/** Prints the reason once, where a test run is read. Usage: `it.skipIf(lacksControllerManager())`. */
export function lacksControllerManager(): boolean {
  const lacks = program() === undefined
  if (lacks) process.stderr.write('skipped: there is no kube-controller-manager beside kube-apiserver\n')
  return lacks
}

/** Kubernetes' own garbage collector, and nothing else of it. Starts to work a moment later. */
export const startGarbageCollector = (plane: Pick<ControlPlane, 'kubeconfig'>): Promise<AsyncDisposable> =>
  startControllers(plane, ['garbage-collector-controller'])

/** Some of Kubernetes' own controllers. They start to work a moment later. */
export async function startControllers(
  { kubeconfig }: Pick<ControlPlane, 'kubeconfig'>,
  names: readonly string[]
): Promise<AsyncDisposable> {
  const args = [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${names.join(',')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=1000',
    '--kube-api-burst=1000',
  ]
  const child = spawn(program() as string, args, { stdio: 'ignore' })
  await once(child, 'spawn')
  const ended = once(child, 'exit')
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
