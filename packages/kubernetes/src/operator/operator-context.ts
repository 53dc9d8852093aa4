import type { NodeWitness, Sandbox, SandboxClaim, SandboxTemplate, SandboxWarmPool } from '../api/index.ts'
import type {
  ApiClient,
  Clock,
  ControllerOptions,
  EventRecorder,
  Informer,
  Logger,
  NetworkPolicy,
  Service,
} from '../controller/index.ts'
import type { Placing, Planned } from '../domains/index.ts'
import type { KernelEvidence } from '../evidence/kernel-evidence.ts'
import type { CachedPod } from './cached-pod.ts'
import type { SandboxMetrics } from './sandbox-metrics.ts'

/** Every informer's objects are found by the uid of their controller. */
type Owned = 'controller'

/** What is known of the cluster in any case. Index values that are made of two parts are joined by `/`. */
export interface CoreCaches {
  /** `pool`: namespace and label `warm-pool-sandbox`; `template`: namespace and label `sandbox-template-ref-hash`. */
  readonly sandboxes: Informer<Sandbox, Owned | 'pool' | 'template'>
  /**
   * Only Pods with the label `sandbox-name-hash`. `template`: namespace and label `sandbox-template-ref-hash`. `node`: the node a Pod is on or, while it
   * waits for one of several, these.
   */
  readonly pods: Informer<CachedPod, Owned | 'template' | 'node'>
  /** Only Services with the label `sandbox-name-hash`. `hash`: namespace and that label. */
  readonly services: Informer<Service, Owned | 'hash'>
  /** Undefined: witnesses are not listened to, and their kind may not even exist. */
  readonly witnesses?: Informer<NodeWitness>
}

/** And with the extensions served: without them their kinds may not even exist. */
export interface Caches extends CoreCaches {
  /** `pool`: namespace and `spec.warmPoolRef.name`; `sandbox`: namespace and the Sandbox of its status and that of its annotation `sandbox-name`. */
  readonly claims: Informer<SandboxClaim, 'pool' | 'sandbox'>
  /** `template`: namespace and `spec.sandboxTemplateRef.name`; `hash`: namespace and the hash of its own name. */
  readonly pools: Informer<SandboxWarmPool, 'template' | 'hash'>
  readonly templates: Informer<SandboxTemplate>
  /** Only those named `*-network-policy` with a controller of ours are ever touched. */
  readonly networkPolicies: Informer<NetworkPolicy, Owned>
}

/** What is said to people, and by whom: the API's event sources. */
export interface Recorders {
  readonly sandbox: EventRecorder
  readonly claim: EventRecorder
  readonly pool: EventRecorder
  /** `sandboxtemplate-controller`: ours, that API has none. */
  readonly template: EventRecorder
}

/**
 * What a controller is made with, for one term as the leader. One that gets along without the extensions asks for
 * `OperatorContext<CoreCaches>`.
 */
export interface OperatorContext<Known extends CoreCaches = Caches> {
  /** Bound to the term's fence. */
  readonly client: ApiClient
  readonly clock: Clock
  readonly log: Logger
  readonly caches: Known
  /** Undefined: witnesses are not listened to. */
  readonly evidence?: KernelEvidence
  readonly recorders: Recorders
  readonly metrics: SandboxMetrics
  readonly settings: OperatorSettings
  /** Where the Pod of a Sandbox may run, as a policy has it. Undefined: wherever the scheduler puts it. */
  readonly planPlacement?: (placing: Placing) => Planned
  /** The kit's options for a controller of this name: clock, log and metrics. */
  controllerOptions(name: string): Omit<ControllerOptions, 'reconcile'>
}

/** From the flags of the same names. Durations in ms. */
export interface OperatorSettings {
  /** Namespace the operator runs in: for its ConfigMap. */
  readonly namespace: string
  readonly clusterDomain: string
  readonly sandboxWorkers: number
  readonly claimWorkers: number
  readonly warmPoolWorkers: number
  readonly templateWorkers: number
  readonly warmPoolMaxBatchSize: number
  readonly warmPoolReplenishDelayMs: number
  /** Sandboxes a second and pool; 0: no limit. */
  readonly warmPoolMaxRefillRate: number
  readonly warmPoolReadinessGracePeriodMs: number
  readonly warmPoolUnschedulableRecheckIntervalMs: number
  /** Gives pool members the annotation safe-to-evict. */
  readonly enableWarmPoolEviction: boolean
  /** How long a Sandbox's status that is not final may wait for what comes next. */
  readonly sandboxWriteBehindWindowMs: number
  readonly disableClaimEvents: boolean
  /** No `controller-first-observed-at`, no `claim-first-ready-at`. */
  readonly disableClaimObservabilityAnnotations: boolean
  /** For Pods that name none. Ours; unset: they are left as they are. */
  readonly defaultRuntimeClass?: string
  /** Where routers run: default ingress of a template's NetworkPolicy. Ours. */
  readonly routerNamespace: string
}
