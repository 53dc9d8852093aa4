/** @packageDocumentation The controller of SandboxWarmPools: Sandboxes of a template that are made in advance, for claims to take. */
export { isStale } from './is-stale.ts'
export { warmPoolController } from './warm-pool-controller.ts'
