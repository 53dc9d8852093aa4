import { mkdir, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { asking, atOnce } from './asking.ts'
import type { Certificates } from './certificates.ts'
import { imageFiles } from './images.ts'
import { json, kubeconfig } from './kubeconfig.ts'
import type { Machine, Service } from './machine.ts'
import { inside, insideProgram } from './machine-folder.ts'
import {
  cniConfig,
  containerdConfig,
  kubeletConfig,
  kubeProxyConfig,
  registryHosts,
  registryName,
  runscConfig,
  socket,
} from './node-config.ts'
import type { ClusterPlan, NodePlan } from './plan.ts'
import type { ClusterPrograms } from './programs.ts'

/** Writes what the programs of a node read into its `etc`. */
export async function writeNodeFiles(
  plan: ClusterPlan,
  node: NodePlan,
  certificates: Certificates,
  signal: AbortSignal
): Promise<void> {
  const authority = (await certificates.authority).certificate
  const names = [`IP:${node.address}`, `DNS:${node.name}`]
  const kubelet = await certificates.issue(
    node.name,
    { user: `system:node:${node.name}`, groups: ['system:nodes'], names },
    signal
  )
  const proxy = await certificates.issue(`kube-proxy-${node.name}`, { user: 'system:kube-proxy' }, signal)
  const registry = registryHosts(plan.registry)
  const files: Readonly<Record<string, string>> = {
    'ca.crt': authority,
    'kubelet.crt': kubelet.certificate,
    'kubelet.key': kubelet.key,
    'kubelet.kubeconfig': kubeconfig(plan.apiServer, authority, kubelet),
    'kubelet.json': json(kubeletConfig(node)),
    'kube-proxy.kubeconfig': kubeconfig(plan.apiServer, authority, proxy),
    'kube-proxy.json': json(kubeProxyConfig(node)),
    'containerd.toml': containerdConfig(),
    'runsc.toml': runscConfig(),
    'cni/10-bulkhead.conflist': json(cniConfig(node)),
    [`registries/${registryName}/hosts.toml`]: registry,
    [`registries/${plan.registry}/hosts.toml`]: registry,
  }
  for (const [file, content] of Object.entries(files)) {
    const path = join(node.folder, 'etc', file)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, content, { mode: 0o600 })
  }
}

export const containerdService = (machine: Machine, programs: ClusterPrograms): Service => ({
  name: 'containerd',
  argv: [insideProgram(programs, 'containerd', 'containerd'), `--config=${inside.etc}/containerd.toml`],
  ready: asking(() => accepts(machine.hostPath(socket))),
})

/** `ready`: resolves when the API server has the node as ready. */
export const kubeletService = (node: NodePlan, programs: ClusterPrograms, ready: Service['ready']): Service => ({
  name: 'kubelet',
  argv: [
    insideProgram(programs, 'kubernetes', 'kubelet'),
    `--config=${inside.etc}/kubelet.json`,
    `--kubeconfig=${inside.etc}/kubelet.kubeconfig`,
    ...[`--hostname-override=${node.name}`, `--node-ip=${node.address}`],
  ],
  ready,
})

export const kubeProxyService = (programs: ClusterPrograms): Service => ({
  name: 'kube-proxy',
  argv: [insideProgram(programs, 'kubernetes', 'kube-proxy'), `--config=${inside.etc}/kube-proxy.json`],
  // Services that do not answer yet are tried again by whoever asks for them.
  ready: atOnce,
})

/** Gives the node the images that every node has. Fails `host_tool_failed`. */
export async function importNodeImages(
  machine: Machine,
  programs: ClusterPrograms,
  signal: AbortSignal
): Promise<void> {
  for (const file of [imageFiles.pause, imageFiles.busybox]) {
    await importImage(machine, programs, insideProgram(programs, 'images', file), signal)
  }
}

/** `archive`: an OCI archive, at a path of the machine. Fails `host_tool_failed`. */
export async function importImage(
  machine: Machine,
  programs: ClusterPrograms,
  archive: string,
  signal: AbortSignal
): Promise<void> {
  const ctr = insideProgram(programs, 'containerd', 'ctr')
  await machine.run([ctr, `--address=${socket}`, '--namespace=k8s.io', 'images', 'import', archive], signal)
}

/** Whether somebody accepts connections on the Unix socket. */
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
