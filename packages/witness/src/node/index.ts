/** @packageDocumentation What runs the pods of a Kubernetes node, seen from the node: their processes, never their words. */
export { NodeView, type SightedPod } from './node-view.ts'
export type { KernelProcess, Sighting } from './sighting.ts'
