/**
 * @packageDocumentation The kit that controllers are made of: a client for the API server, informers over indexed caches, work queues, leader
 * election with fencing, events and metrics. What runs is scoped by a signal or disposed of; what is decided is pure and beside it.
 */
export { deepFreeze } from './cache/deep-freeze.ts'
export type { IndexFunction } from './cache/index-table.ts'
export { type Change, type ChangeHandler, Informer, type InformerOptions } from './cache/informer.ts'
export {
  byLabel,
  byNamespace,
  byOwnerUid,
  type Indexes,
  Store,
  type StoreOptions,
  withoutManagedFields,
} from './cache/store.ts'
export {
  ApiClient,
  type ChangeOptions,
  type ClientDefaults,
  type DeleteOptions,
  type GetOptions,
  type ListOptions,
  type ListPage,
  type OpenedApiClient,
  openApiClient,
  type WatchOptions,
  type WriteOptions,
} from './client/api-client.ts'
export {
  ApiError,
  type ApiStatus,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNamespaceTerminating,
  isNotFound,
  isTooManyRequests,
  isUnauthorized,
  isVersionTooLarge,
} from './client/api-error.ts'
export type { AsJson } from './client/as-json.ts'
export type { ClusterAccess, ClusterTls } from './client/cluster-access.ts'
export {
  type ConfigMap,
  configMaps,
  type Event,
  events,
  type Lease,
  leases,
  type Namespace,
  type NetworkPolicy,
  type Node,
  namespaces,
  networkPolicies,
  nodes,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type RuntimeClass,
  runtimeClasses,
  type Service,
  services,
} from './client/core-resources.ts'
export { type InClusterOptions, inClusterAccess, isInCluster } from './client/in-cluster-access.ts'
export { type KubeconfigOptions, kubeconfigAccess } from './client/kubeconfig-access.ts'
export {
  type KubernetesObject,
  keyOf,
  type ObjectMeta,
  type ObjectName,
  type OwnerReference,
  objectKey,
  parseKey,
  type Stored,
  type StoredMeta,
} from './client/kubernetes-object.ts'
export { applyPatch, type JsonPatchOperation, jsonPatch, mergePatch, type Patch, pointer } from './client/patch.ts'
export type { CallOptions, RequesterOptions } from './client/requester.ts'
export { apiVersionOf, groupOf, type ResourceType, resourceLabel, resourceType } from './client/resource-type.ts'
export { compareResourceVersions } from './client/resource-version.ts'
export { toFailure } from './client/to-failure.ts'
export { TransportError } from './client/transport-error.ts'
export type { Watch } from './client/watch.ts'
export type { WatchEvent } from './client/watch-event.ts'
export { type Clock, sleep, systemClock, type Timer } from './clock.ts'
export { type ChangeSource, Controller, type ControllerOptions, type MapChange, type Wanted } from './controller.ts'
export { EventRecorder, type EventRecorderOptions, type RecordedEvent } from './events/event-recorder.ts'
export { Expectations } from './expectations.ts'
export type { Fence } from './fence.ts'
export { LeaderElection, type LeaderElectionOptions } from './leader/leader-election.ts'
export type { Leadership } from './leader/leadership.ts'
export { type Logger, silentLogger } from './logger.ts'
export { toController, toSelf } from './map-change.ts'
export {
  type Condition,
  findCondition,
  type NewCondition,
  readableConditions,
  wholeSeconds,
  withCondition,
  withoutCondition,
} from './objects/conditions.ts'
export { fnv1a32 } from './objects/name-hash.ts'
export { controllerOf, controllerReference, isControlledBy, refersTo } from './objects/owner-reference.ts'
export { type BackoffOptions, exponentialMs } from './queue/backoff.ts'
export { type Lane, lanes } from './queue/lanes.ts'
export { TokenBucket, type TokenBucketOptions } from './queue/token-bucket.ts'
export { WorkQueue, type WorkQueueOptions } from './queue/work-queue.ts'
export { done, type Reconcile, type ReconcileResult, requeueAfter, TerminalError } from './reconcile.ts'
export type { ClientMetrics } from './telemetry/client-metrics.ts'
export type { ControllerMetrics } from './telemetry/controller-metrics.ts'
export type { EventMetrics } from './telemetry/event-metrics.ts'
export type { InformerMetrics } from './telemetry/informer-metrics.ts'
export { KitMetrics } from './telemetry/kit-metrics.ts'
export type { LeaderMetrics } from './telemetry/leader-metrics.ts'
export { traced } from './telemetry/tracing.ts'
export type { WorkQueueMetrics } from './telemetry/work-queue-metrics.ts'
