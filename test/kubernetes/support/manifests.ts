import type {
  PodTemplate,
  Sandbox,
  SandboxClaim,
  SandboxTemplate,
  SandboxWarmPool,
} from '../../../packages/kubernetes/src/api/index.ts'
import { busyboxImage } from '../../../tools/cluster/test-cluster.ts'

type Written<T> = T & { readonly metadata: { readonly namespace: string; readonly name: string } }

const idle = { name: 'main', image: busyboxImage, command: ['sleep', '86400'] }

/** On nodes that kwok plays: many, and nothing runs. */
export const pretended: PodTemplate = {
  spec: {
    containers: [idle],
    nodeSelector: { type: 'kwok' },
    tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
    terminationGracePeriodSeconds: 1,
  },
}

/** On real nodes, with a kernel of its own. */
export const isolated: PodTemplate = {
  spec: { containers: [idle], runtimeClassName: 'gvisor', terminationGracePeriodSeconds: 1 },
}

export const volumeClaim = (name: string) => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
})

export const sandbox = (
  namespace: string,
  name: string,
  podTemplate: PodTemplate,
  more: Partial<Sandbox['spec']> = {}
): Written<Sandbox> => ({
  metadata: { namespace, name },
  spec: { podTemplate, operatingMode: 'Running', shutdownPolicy: 'Retain', ...more },
})

export const template = (
  namespace: string,
  name: string,
  podTemplate: PodTemplate,
  more: Partial<SandboxTemplate['spec']> = {}
): Written<SandboxTemplate> => ({
  metadata: { namespace, name },
  spec: { podTemplate, networkPolicyManagement: 'Managed', ...more },
})

export const pool = (
  namespace: string,
  name: string,
  replicas: number,
  sandboxTemplate: string = name
): Written<SandboxWarmPool> => ({
  metadata: { namespace, name },
  spec: { replicas, sandboxTemplateRef: { name: sandboxTemplate }, updateStrategy: { type: 'OnReplenish' } },
})

export const claim = (
  namespace: string,
  name: string,
  warmPool: string,
  more: Partial<SandboxClaim['spec']> = {}
): Written<SandboxClaim> => ({
  metadata: { namespace, name },
  spec: { warmPoolRef: { name: warmPool }, ...more },
})
