import type {
  PodSpec,
  SandboxClaim,
  SandboxTemplate,
  SandboxWarmPool,
} from '../../packages/kubernetes/src/api/index.ts'
import type { Pod } from '../../packages/kubernetes/src/controller/index.ts'
import { busyboxImage } from '../../tools/cluster/test-cluster.ts'

/**
 * A Pod that kwok plays on one of its nodes. It says itself what a template's secure defaults would say otherwise, so that a Pod made from it by
 * the operator and one made by the benchmark are the same to the API server.
 */
export const fakePodSpec: PodSpec = {
  automountServiceAccountToken: false,
  dnsPolicy: 'Default',
  enableServiceLinks: false,
  nodeSelector: { type: 'kwok' },
  tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists', effect: 'NoSchedule' }],
  terminationGracePeriodSeconds: 0,
  containers: [
    { name: 'main', image: 'bench.test/nothing:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } },
  ],
}

/** A Pod with a kernel of its own on a node that exists, ready as soon as its program runs. */
export const gvisorPodSpec: PodSpec = {
  automountServiceAccountToken: false,
  dnsPolicy: 'Default',
  enableServiceLinks: false,
  runtimeClassName: 'gvisor',
  terminationGracePeriodSeconds: 0,
  containers: [{ name: 'main', image: busyboxImage, command: ['sleep', '1000000'] }],
}

export const barePod = (namespace: string, name: string, spec: PodSpec): Pod => ({
  metadata: { namespace, name },
  // The kit's type of a Pod and the API's of a Pod's spec come from the same library.
  spec: spec as NonNullable<Pod['spec']>,
})

export const template = (namespace: string, name: string, spec: PodSpec): SandboxTemplate => ({
  metadata: { namespace, name },
  spec: { podTemplate: { spec } },
})

export const pool = (namespace: string, name: string, templateName: string, replicas: number): SandboxWarmPool => ({
  metadata: { namespace, name },
  spec: { replicas, sandboxTemplateRef: { name: templateName } },
})

export const claim = (namespace: string, name: string, poolName: string): SandboxClaim => ({
  metadata: { namespace, name },
  spec: { warmPoolRef: { name: poolName } },
})
