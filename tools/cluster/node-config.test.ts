import { expect, it } from 'vitest'
import {
  cniConfig,
  containerdConfig,
  kubeletConfig,
  kubeProxyConfig,
  registryHosts,
  runscConfig,
} from './node-config.ts'
import { planCluster } from './plan.ts'
import { defaultShape } from './shape.ts'

const [node] = planCluster('/srv/state/cluster', defaultShape).nodes
if (!node) throw new Error('the default shape has no node')

it('names no path of the host’s own disk: machines are alike on every host', () => {
  const all = [
    containerdConfig(),
    runscConfig(),
    registryHosts('10.88.0.1:5000'),
    ...[kubeletConfig, kubeProxyConfig, cniConfig].map((config) => JSON.stringify(config(node))),
  ]
  const paths = all.flatMap((text) => text.match(/(?<=['"])\/[a-z][^'"\s)]*/g) ?? [])
  expect(paths.length).toBeGreaterThan(8)
  for (const path of paths) expect(path).toMatch(/^\/(run|var\/lib|usr\/lib\/cni)\b|^\/bulkhead-[0-9a-f]{8}-node-1$/)
})

it('gives each kubelet the cgroup and the address of its machine', () => {
  expect(kubeletConfig(node)).toMatchObject({
    cgroupRoot: `/${node.cgroup}`,
    address: node.address,
    failCgroupV1: false,
  })
})

it('gives pods the addresses of their node', () => {
  expect(JSON.stringify(cniConfig(node))).toContain(`"subnet":"${node.podNetwork}"`)
})

it('has gVisor as a handler beside runc', () => {
  expect(containerdConfig()).toContain("runtime_type = 'io.containerd.runsc.v1'")
  expect(containerdConfig()).toMatch(/^version = 3$/m)
})
