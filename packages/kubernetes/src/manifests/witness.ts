import { nodeWitnesses } from '../api/index.ts'
import { nodeClaims } from '../evidence/witness-identity.ts'
import { appLabels, type Manifest, type ManifestOptions } from './manifest.ts'
import { witnessName } from './names.ts'

/** A witness on each node, and what keeps it to its own. */
export const witnessManifests = (options: ManifestOptions): Manifest[] =>
  [policy(), policyBinding(), daemonSet(options)] as Manifest[]

export const witnessNamespace = (): Manifest =>
  ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: witnessName,
      labels: { 'app.kubernetes.io/part-of': 'bulkhead', 'pod-security.kubernetes.io/enforce': 'privileged' },
    },
  }) as Manifest

const metadata = { name: witnessName, labels: appLabels(witnessName) }
const user = `system:serviceaccount:${witnessName}:${witnessName}`

/**
 * RBAC knows no nodes, and one witness's token would do for all of them. A token that a kubelet had made for a Pod says on which node it runs: a node that
 * has fallen speaks for itself alone. And nobody else writes what a witness has seen, whatever roles he has.
 */
const policy = () => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata,
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [nodeWitnesses.group],
          apiVersions: ['*'],
          operations: ['CREATE', 'UPDATE'],
          resources: [nodeWitnesses.plural, `${nodeWitnesses.plural}/status`],
          scope: 'Cluster',
        },
      ],
    },
    validations: [
      {
        expression: `request.userInfo.username == '${user}'`,
        message: `only the witnesses write a ${nodeWitnesses.kind}`,
        reason: 'Forbidden',
      },
      {
        expression: `'${nodeClaims.name}' in request.userInfo.extra && request.userInfo.extra['${nodeClaims.name}'] == [object.metadata.name]`,
        message: 'a witness writes about its own node only',
        reason: 'Forbidden',
      },
    ],
  },
})

const policyBinding = () => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata,
  spec: { policyName: witnessName, validationActions: ['Deny'] },
})

/** The node's files, as its first process sees them: nothing is mounted that a restart of the runtime would leave stale, or that pins what Pods had mounted. */
const nodeRoot = '/proc/1/root'

const daemonSet = ({ image }: ManifestOptions) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { ...metadata, namespace: witnessName },
  spec: {
    selector: { matchLabels: { app: witnessName } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
    template: {
      metadata: { labels: appLabels(witnessName) },
      spec: {
        nodeSelector: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
        // A node without a witness is one of which nothing is known.
        tolerations: [{ operator: 'Exists' }],
        priorityClassName: 'system-node-critical',
        serviceAccountName: witnessName,
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 5,
        // Processes are looked at from outside of the Pods they are in.
        hostPID: true,
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: witnessName,
            image,
            // It does little, again and again: what is no longer used is collected early.
            command: ['/usr/bin/node', '--max-semi-space-size=1', '--heap-growing-percent=20', '/app/witness.mjs'],
            env: [{ name: 'WITNESS_CRI_SOCKET', value: `${nodeRoot}/run/containerd/containerd.sock` }],
            resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '160Mi' } },
            securityContext: {
              // The runtime's socket is root's.
              runAsUser: 0,
              runAsGroup: 0,
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: {
                drop: ['ALL'],
                // To see which file a process of others runs, and in which namespaces, and the node's own files. It would do to take the node over, too: that
                // is why nothing else may run in this namespace, and why a witness listens to nobody.
                add: ['SYS_PTRACE'],
              },
              // The default profile lets nobody look at a process outside of it.
              appArmorProfile: { type: 'Unconfined' },
            },
          },
        ],
      },
    },
  },
})
