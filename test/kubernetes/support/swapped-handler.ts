import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { endProcess } from '../../../tools/cluster/processes.ts'
import type { TestCluster } from '../../../tools/cluster/test-cluster.ts'
import { nodeProcess, nodeRoot } from './node-root.ts'

/**
 * What somebody does who has taken over a node, or has misconfigured it: from now on its handler `runsc` is runc. Its containerd is started again by
 * hand, as it was but for its configuration; it ends with the node.
 */
export async function swapHandler(cluster: TestCluster, node: string): Promise<void> {
  const root = nodeRoot(cluster, node)
  const running = nodeProcess(cluster.folder, node, 'containerd')
  const words = (file: string) => readFileSync(`/proc/${running.pid}/${file}`, 'utf8').split('\0').filter(Boolean)
  const [program = '', configFlag = ''] = words('cmdline')
  const environment = Object.fromEntries(words('environ').map((one) => one.split(/=(.*)/s).slice(0, 2)))
  const config = readFileSync(root + configFlag.slice('--config='.length), 'utf8')
  const swapped = config
    .replace("runtime_type = 'io.containerd.runsc.v1'", "runtime_type = 'io.containerd.runc.v2'")
    .replace(/\[[^\]]*runtimes\.runsc\.options\][^[]*/, '')
  if (swapped === config) throw new Error('the configuration has no handler runsc')
  writeFileSync(`${root}/run/swapped.toml`, swapped)
  await endProcess(running, 10_000)
  const { pid } = nodeProcess(cluster.folder, node, 'kubelet')
  const namespaces = [`--target=${pid}`, '--mount', '--uts', '--net', '--pid']
  const started = spawn('nsenter', [...namespaces, '--', program, '--config=/run/swapped.toml'], {
    env: environment,
    stdio: 'ignore',
    detached: true,
  })
  await once(started, 'spawn')
  started.unref()
  while (!(await accepts(`${root}/run/containerd/containerd.sock`))) await sleep(50)
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => resolve(false))
  })
}
