import { fnv1a32 } from '../controller/index.ts'

/** Keys under these, and below them, belong to the API. */
export const ownPrefixes = ['agents.x-k8s.io/', 'extensions.agents.x-k8s.io/'] as const

export const isOwnKey = (key: string): boolean => ownPrefixes.some((prefix) => key.startsWith(prefix))

/** Label keys. Which objects have which, and with what value: docs/kubernetes/api.md. */
export const label = Object.freeze({
  /** Pod, Service, PVC: {@link nameHash} of the Sandbox. */
  sandboxNameHash: 'agents.x-k8s.io/sandbox-name-hash',
  /** A pool's Sandbox and its Pod: {@link nameHash} of the pool. Removed when a claim takes it. */
  warmPoolSandbox: 'agents.x-k8s.io/warm-pool-sandbox',
  /** Sandbox, Pod, SandboxTemplate: {@link nameHash} of the template. */
  sandboxTemplateRefHash: 'agents.x-k8s.io/sandbox-template-ref-hash',
  /** A pool's Sandbox: what of the template it was made from. */
  sandboxTemplateHash: 'agents.x-k8s.io/sandbox-template-hash',
  /** As the one above, of the podTemplate alone. Deprecated. */
  sandboxPodTemplateHash: 'agents.x-k8s.io/sandbox-pod-template-hash',
  /** Sandbox: `cold` or `warm`. */
  launchType: 'agents.x-k8s.io/launch-type',
  /** Claim, Sandbox, Pod: see {@link normalizedCreator}. */
  createdBy: 'agents.x-k8s.io/created-by',
  /** A claimed Sandbox and its podTemplate. */
  claimUid: 'agents.x-k8s.io/claim-uid',
  /** Pod, Service, PVC: `true` permits to adopt it when nobody owns it. */
  adoptable: 'agents.x-k8s.io/adoptable',
})

export const annotation = Object.freeze({
  /** Sandbox: the name of its Pod. */
  podName: 'agents.x-k8s.io/pod-name',
  /** Sandboxes of pools and claims: the template's name. */
  sandboxTemplateRef: 'agents.x-k8s.io/sandbox-template-ref',
  /** Claim: the Sandbox it was given from the pool. Older claims have a label of this key. */
  sandboxName: 'agents.x-k8s.io/sandbox-name',
  /** Pod: which of its labels come from the podTemplate; sorted, joined by commas. */
  propagatedLabels: 'agents.x-k8s.io/propagated-labels',
  propagatedAnnotations: 'agents.x-k8s.io/propagated-annotations',
  /** Claim: RFC 3339 with nanoseconds, as the three below. */
  clientFirstRequestedAt: 'agents.x-k8s.io/client-first-requested-at',
  webhookFirstObservedAt: 'agents.x-k8s.io/webhook-first-observed-at',
  controllerFirstObservedAt: 'agents.x-k8s.io/controller-first-observed-at',
  /** May be `unknown`. */
  claimFirstReadyAt: 'agents.x-k8s.io/claim-first-ready-at',
  /** Claim, Sandbox: JSON of W3C trace headers. */
  traceContext: 'opentelemetry.io/trace-context',
  safeToEvict: 'cluster-autoscaler.kubernetes.io/safe-to-evict',
})

/** What stands for a name in label values: two names can have the same. */
export const nameHash = fnv1a32

const knownCreators: ReadonlySet<string> = new Set(['go-client', 'python-client', 'controller'])

/** As it is put on Pods and in metrics: values that nobody knows become `unknown`; absent stays absent. */
export const normalizedCreator = (value: string | undefined): string | undefined =>
  value === undefined || knownCreators.has(value) ? value : 'unknown'
