import type { PodSpec, SandboxTemplate, SandboxWarmPool } from '../api/index.ts'
import { key, ours } from './keys.ts'
import type { Shape } from './shape.ts'

/** Where the guest agent listens in its Pod. */
export const agentPort = 49_983
/** The container that the caller's processes run in. */
export const mainContainer = 'sandbox'

/** The volume that the agent comes in, and where it is seen: a folder of its own, which no image has. */
const agentVolume = 'bulkhead-agent'
const agentFolder = '/.bulkhead'
const agentProgram = `${agentFolder}/agent`

export interface TemplateSettings {
  readonly namespace: string
  /** With the agent as its entrypoint. */
  readonly agentImage: string
  readonly publicKey: string
  /** Who may open connections to sandboxes: NetworkPolicy peers. */
  readonly from: readonly object[]
  /** Members of each pool. */
  readonly poolSize: number
}

/** What Pods are made from besides a shape: with another of these they are others. */
export const fingerprintOf = ({ agentImage, publicKey, from }: TemplateSettings): readonly unknown[] => [
  compositionVersion,
  agentImage,
  publicKey,
  from,
]

/** Raised when Pods are composed in another way. */
const compositionVersion = 1

/**
 * The template of a shape. Nothing gets in but the server to the agent, and nothing out (P3): where the cluster's network enforces NetworkPolicies. The
 * Pod has a RuntimeClass, always, and neither a service account's token nor a secret.
 */
export function buildTemplate(shape: Shape, settings: TemplateSettings): SandboxTemplate {
  const { namespace, from } = settings
  return {
    metadata: { name: shape.name, namespace, labels: labels(), annotations: { [key.image]: shape.image } },
    spec: {
      podTemplate: { metadata: { labels: labels() }, spec: podSpec(shape, settings) },
      service: false,
      networkPolicyManagement: 'Managed',
      networkPolicy: { ingress: ingressFrom(from), egress: [] },
      envVarsInjectionPolicy: 'Disallowed',
      volumeClaimTemplatesPolicy: 'Disallowed',
    },
  }
}

/** A rule with nobody in it lets everybody in. */
const ingressFrom = (from: TemplateSettings['from']) =>
  from.length === 0 ? [] : [{ from: [...from], ports: [{ protocol: 'TCP', port: agentPort }] }]

export const buildPool = ({ name }: Shape, { namespace, poolSize }: TemplateSettings): SandboxWarmPool => ({
  metadata: { name, namespace, labels: labels() },
  spec: { replicas: poolSize, sandboxTemplateRef: { name } },
})

/** By this the agent knows, as the first process, that it is in a container and not a machine's own first process. */
const podUid = { name: 'BULKHEAD_POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }

function podSpec(shape: Shape, { agentImage, publicKey }: TemplateSettings): PodSpec {
  const { image, runtimeClass, memoryBytes, cpus, diskBytes } = shape
  const volume = { name: agentVolume, mountPath: agentFolder }
  return {
    runtimeClassName: runtimeClass,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // One that has ended does not come back: what was in its memory is lost.
    restartPolicy: 'Never',
    // Nothing of it is kept, so an orderly end would only cost time.
    terminationGracePeriodSeconds: 1,
    // As on one machine: there is no network, so the resolver fails at once instead of waiting.
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: ['127.0.0.1'],
      options: [
        { name: 'timeout', value: '1' },
        { name: 'attempts', value: '1' },
      ],
    },
    initContainers: [
      {
        name: agentVolume,
        image: agentImage,
        args: ['install', agentProgram],
        env: [podUid],
        volumeMounts: [volume],
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '1', memory: '64Mi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
    containers: [
      {
        name: mainContainer,
        image,
        command: [agentProgram, 'pod', '--listen', `:${agentPort}`],
        env: [podUid, { name: 'BULKHEAD_TOKEN_KEYS', value: publicKey }],
        ports: [{ name: 'agent', containerPort: agentPort, protocol: 'TCP' }],
        volumeMounts: [{ ...volume, readOnly: true }],
        resources: {
          // Memory is given, disk is limited, processors are shared: most sandboxes wait most of the time.
          requests: { cpu: `${cpus * 100}m`, memory: String(memoryBytes), 'ephemeral-storage': '0' },
          limits: { cpu: String(cpus), memory: String(memoryBytes), 'ephemeral-storage': String(diskBytes) },
        },
      },
    ],
    volumes: [{ name: agentVolume, emptyDir: { sizeLimit: '64Mi' } }],
  }
}

const labels = () => ({ [key.managed]: ours })
