import { pauseImage } from './images.ts'
import { inside, insideProgram } from './machine-folder.ts'
import type { NodePlan } from './plan.ts'
import type { ClusterPrograms } from './programs.ts'
import { podNetwork } from './shape.ts'

/** The registry's name in images: `registry.bulkhead.test/thing:1`. Its address and port work, too. */
export const registryName = 'registry.bulkhead.test'

export const socket = '/run/containerd/containerd.sock'
/** Kubernetes' default is below /usr, where the kubelet would make it on the host. */
export const volumePluginFolder = '/var/lib/kubelet/volume-plugins'

/** Of `containerd.toml`, config version 3. No value of it comes from outside of this repository. */
export const containerdConfig = (): string => `version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
oom_score = 0
# Nothing of what the host may have for a containerd of its own.
imports = []

[grpc]
  address = '${socket}'

[plugins.'io.containerd.internal.v1.opt']
  # The default is below /opt, where it would be made on the host.
  path = '/var/lib/containerd/opt'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${pauseImage}'

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '${inside.etc}/registries'

[plugins.'io.containerd.cri.v1.runtime']
  # Where CAP_SYS_RESOURCE is missing nobody may go below his own score.
  restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/usr/lib/cni']
  conf_dir = '${inside.etc}/cni'

[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = 'runc'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runsc]
  runtime_type = 'io.containerd.runsc.v1'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runsc.options]
  TypeUrl = 'io.containerd.runsc.v1.options'
  ConfigPath = '${inside.etc}/runsc.toml'
`

/** What the shim adds to each command of runsc. */
export const runscConfig = (): string => `[runsc_config]
  platform = 'systrap'
`

/** `hosts.toml` of a registry without TLS, `HOST:PORT`, for nodes and whoever else shares the cluster's own network. */
export const registryHosts = (address: string): string => `server = 'http://${address}'

[host.'http://${address}']
  capabilities = ['pull', 'resolve', 'push']
`

/**
 * Pods get a cable each into their node, which routes: what goes from one to the other passes the node's nftables, where services are. (With a
 * bridge it would pass them only where the kernel has br_netfilter.)
 */
export const cniConfig = (node: NodePlan): object => ({
  cniVersion: '1.0.0',
  name: 'bulkhead',
  plugins: [
    {
      type: 'ptp',
      ipam: { type: 'host-local', ranges: [[{ subnet: node.podNetwork }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

export const kubeletConfig = (node: NodePlan): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: node.address,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${inside.etc}/ca.crt` },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: `${inside.etc}/kubelet.crt`,
  tlsPrivateKeyFile: `${inside.etc}/kubelet.key`,
  containerRuntimeEndpoint: `unix://${socket}`,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${node.cgroup}`,
  failCgroupV1: false,
  failSwapOn: false,
  // Disk usage is accounted for all machines together: they share the host's.
  localStorageCapacityIsolation: false,
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '0%',
    'nodefs.inodesFree': '0%',
    'imagefs.available': '0%',
  },
  imageGCHighThresholdPercent: 100,
  // Of what root may not do without CAP_SYS_RESOURCE.
  oomScoreAdj: 0,
  makeIPTablesUtilChains: false,
  // There is no cluster DNS, and the host's servers cannot be reached from here.
  resolvConf: '',
  volumePluginDir: volumePluginFolder,
  registryPullQPS: 0,
  eventRecordQPS: 0,
  kubeAPIQPS: 200,
  kubeAPIBurst: 400,
})

export const kubeProxyConfig = (node: NodePlan): object => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  clientConnection: { kubeconfig: `${inside.etc}/kube-proxy.kubeconfig` },
  hostnameOverride: node.name,
  mode: 'nftables',
  clusterCIDR: podNetwork,
  // The limit is the host's, and not a namespace's to set.
  conntrack: { maxPerCore: 0 },
  oomScoreAdj: 0,
})

/** Folders of programs that containerd starts by name. */
export const programPath = (programs: ClusterPrograms): string[] =>
  (['containerd', 'gvisor-shim', 'runsc'] as const).map((name) => insideProgram(programs, name, '').replace(/\/$/, ''))
