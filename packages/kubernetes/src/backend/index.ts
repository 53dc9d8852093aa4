/** @packageDocumentation The sandboxes of one machine's API, on a cluster: a Backend whose only state is the API server's. */

export type { Dial } from './guest-links.ts'
export { KubernetesBackend } from './kubernetes-backend.ts'
export { type KubernetesBackendOptions, openKubernetesBackend } from './open-kubernetes-backend.ts'
