import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isHealthy } from './api-client.ts'
import { asking, atOnce } from './asking.ts'
import type { Certificate, Certificates } from './certificates.ts'
import { json, kubeconfig } from './kubeconfig.ts'
import type { Service } from './machine.ts'
import { inside, insideProgram } from './machine-folder.ts'
import { volumePluginFolder } from './node-config.ts'
import { apiServiceAddress, type ClusterPlan, ports } from './plan.ts'
import type { ClusterPrograms } from './programs.ts'
import { fakePodNetwork, serviceNetwork } from './shape.ts'

/** What the control plane serves and asks with. */
export interface ControlPlaneIdentity {
  /** PEM. */
  readonly authority: string
  readonly admin: Certificate
}

/** The user the API server is at the kubelets; `addons.ts` gives it the right. */
export const kubeletClient = 'kube-apiserver-kubelet-client'

/** No one is to wait for a client's own brake: the server has its limits. */
const unlimitedQps = 5_000
const etcdAddress = 'http://127.0.0.1:2379'
const etc = (file: string) => `${inside.etc}/${file}`

/** Writes the keys, certificates and configurations of the control plane's programs into its `etc`, and the users' kubeconfig. */
export async function writeControlPlaneFiles(
  plan: ClusterPlan,
  certificates: Certificates,
  signal: AbortSignal
): Promise<ControlPlaneIdentity> {
  const { controlPlane, apiServer } = plan
  const write = (file: string, content: string) =>
    writeFile(join(controlPlane.folder, 'etc', file), content, { mode: 0o600 })
  const authority = await certificates.authority
  const issue = (name: string, user: string, groups: readonly string[], names: readonly string[] = []) =>
    certificates.issue(name, { user, groups, names }, signal)

  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'].map((name) => `DNS:${name}`)
  const addresses = [controlPlane.address, apiServiceAddress, '127.0.0.1'].map((address) => `IP:${address}`)
  const serving = await issue('control-plane', 'control-plane', [], [...names, ...addresses])
  const kubelets = await issue('kubelet-client', kubeletClient, [])
  const tokens = await certificates.signingPair('service-accounts')
  const files: Readonly<Record<string, string>> = {
    'ca.crt': authority.certificate,
    'ca.key': authority.key,
    'serving.crt': serving.certificate,
    'serving.key': serving.key,
    'kubelet-client.crt': kubelets.certificate,
    'kubelet-client.key': kubelets.key,
    'service-accounts.pub': tokens.certificate,
    'service-accounts.key': tokens.key,
    'scheduler.json': json(schedulerConfig),
    'registry.json': json(registryConfig),
  }
  for (const [file, content] of Object.entries(files)) await write(file, content)

  const users = [
    ['kube-controller-manager', 'system:kube-controller-manager', []],
    ['kube-scheduler', 'system:kube-scheduler', []],
    ['kwok', 'kwok', ['system:masters']],
  ] as const
  for (const [name, user, groups] of users) {
    const certificate = await issue(name, user, groups)
    await write(`${name}.kubeconfig`, kubeconfig(apiServer, authority.certificate, certificate))
  }
  const admin = await issue('admin', 'bulkhead-admin', ['system:masters'])
  await writeFile(plan.kubeconfigFile, kubeconfig(apiServer, authority.certificate, admin), { mode: 0o600 })
  return { authority: authority.certificate, admin }
}

export function etcdService(programs: ClusterPrograms): Service {
  const peer = 'http://127.0.0.1:2380'
  return {
    name: 'etcd',
    argv: [
      insideProgram(programs, 'etcd', 'etcd'),
      '--data-dir=/var/lib/etcd',
      ...[`--listen-client-urls=${etcdAddress}`, `--advertise-client-urls=${etcdAddress}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`],
      // Outlives its own death; a power cut may cost the cluster its objects, and saves every write a wait for the disk.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    // Only the API server can ask it, and does.
    ready: atOnce,
  }
}

export function apiServerService(
  plan: ClusterPlan,
  programs: ClusterPrograms,
  ready: (signal: AbortSignal) => Promise<boolean>
): Service {
  return {
    name: 'kube-apiserver',
    argv: [
      insideProgram(programs, 'kubernetes', 'kube-apiserver'),
      `--etcd-servers=${etcdAddress}`,
      ...[`--advertise-address=${plan.controlPlane.address}`, `--secure-port=${ports.apiServer}`],
      `--service-cluster-ip-range=${serviceNetwork}`,
      ...[`--client-ca-file=${etc('ca.crt')}`],
      ...[`--tls-cert-file=${etc('serving.crt')}`, `--tls-private-key-file=${etc('serving.key')}`],
      `--kubelet-certificate-authority=${etc('ca.crt')}`,
      `--kubelet-client-certificate=${etc('kubelet-client.crt')}`,
      `--kubelet-client-key=${etc('kubelet-client.key')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${etc('service-accounts.pub')}`,
      `--service-account-signing-key-file=${etc('service-accounts.key')}`,
      '--authorization-mode=Node,RBAC',
      // The second shows what permissions on `finalizers` an operator lacks; many clusters have it.
      '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
      '--allow-privileged=true',
      // Its only endpoint never changes: `addons.ts` writes it.
      '--endpoint-reconciler-type=none',
      // It has a way to pods, but none to services: webhooks are called at their pods' addresses.
      '--enable-aggregator-routing=true',
      ...['--max-requests-inflight=2000', '--max-mutating-requests-inflight=1000'],
    ],
    ready: asking(ready),
  }
}

export function controllerManagerService(plan: ClusterPlan, programs: ClusterPrograms, authority: string): Service {
  const config = etc('kube-controller-manager.kubeconfig')
  return {
    name: 'kube-controller-manager',
    argv: [
      insideProgram(programs, 'kubernetes', 'kube-controller-manager'),
      ...[`--kubeconfig=${config}`, `--authentication-kubeconfig=${config}`, `--authorization-kubeconfig=${config}`],
      // There is only one, and one that lost its lease to a busy machine would end.
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${etc('service-accounts.key')}`,
      `--root-ca-file=${etc('ca.crt')}`,
      ...[`--cluster-signing-cert-file=${etc('ca.crt')}`, `--cluster-signing-key-file=${etc('ca.key')}`],
      ...['--enable-hostpath-provisioner=true', `--flex-volume-plugin-dir=${volumePluginFolder}`],
      ...[`--kube-api-qps=${unlimitedQps}`, `--kube-api-burst=${unlimitedQps}`],
      ...serve(plan),
    ],
    restarts: true,
    ready: asking((signal) => isHealthy(healthz(plan, ports.controllerManager), authority, signal)),
  }
}

export function schedulerService(plan: ClusterPlan, programs: ClusterPrograms, authority: string): Service {
  const config = etc('kube-scheduler.kubeconfig')
  return {
    name: 'kube-scheduler',
    argv: [
      insideProgram(programs, 'kubernetes', 'kube-scheduler'),
      `--config=${etc('scheduler.json')}`,
      ...[`--authentication-kubeconfig=${config}`, `--authorization-kubeconfig=${config}`],
      ...serve(plan),
    ],
    // It ends by itself when its cache contradicts what it is told, as it can after the API server was away.
    restarts: true,
    ready: asking((signal) => isHealthy(healthz(plan, ports.scheduler), authority, signal)),
  }
}

/** Plays the kubelets of the nodes that `fake-nodes.ts` creates. */
export function kwokService(plan: ClusterPlan, programs: ClusterPrograms): Service {
  return {
    name: 'kwok',
    argv: [
      insideProgram(programs, 'kwok', 'kwok'),
      `--kubeconfig=${etc('kwok.kubeconfig')}`,
      '--manage-all-nodes=false',
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
      ...[`--cidr=${fakePodNetwork}`, `--node-ip=${plan.controlPlane.address}`],
      // Renewed four times in that time. Without leases kwok reports a node each 55 s, after 50 s a node counts as lost, and its Pods as not ready for good.
      '--node-lease-duration-seconds=80',
    ],
    // Seen in its nodes, which the start of the cluster waits for.
    ready: atOnce,
  }
}

export function registryService(plan: ClusterPlan): Service {
  return {
    name: 'docker-registry',
    argv: ['docker-registry', 'serve', etc('registry.json')],
    ready: asking((signal) => answers(`http://${plan.registry}/v2/`, signal)),
  }
}

const schedulerConfig = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  leaderElection: { leaderElect: false },
  clientConnection: { kubeconfig: etc('kube-scheduler.kubeconfig'), qps: unlimitedQps, burst: unlimitedQps },
} as const

const registryConfig = {
  version: 0.1,
  storage: { filesystem: { rootdirectory: '/var/lib/registry' }, delete: { enabled: true } },
  http: { addr: `0.0.0.0:${ports.registry}` },
} as const

const serve = ({ controlPlane }: ClusterPlan): string[] => [
  `--bind-address=${controlPlane.address}`,
  `--tls-cert-file=${etc('serving.crt')}`,
  `--tls-private-key-file=${etc('serving.key')}`,
]

const healthz = ({ controlPlane }: ClusterPlan, port: number) => `https://${controlPlane.address}:${port}/healthz`

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await fetch(url, { signal })).ok
  } catch {
    signal.throwIfAborted()
    return false // nobody listens yet
  }
}
