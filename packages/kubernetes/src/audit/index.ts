/**
 * @packageDocumentation The audit of any cluster: which pods share a kernel, what falls together, and what to change first. It reads with `list` alone, and
 * needs nothing installed.
 */
export type { BlastRadius } from './blast-radius.ts'
export type { Change } from './changes.ts'
export { collectFacts } from './collect.ts'
export type { ClusterFacts, NodeFact, PodFact } from './facts.ts'
export { htmlPage } from './html-page.ts'
export { isOwnKernel, type KernelClass, kernelClasses } from './kernel-class.ts'
export {
  type AuditOptions,
  type AuditReport,
  audit,
  type NodeReport,
  type PodReport,
  type TenantReport,
} from './report.ts'
export { sarif } from './sarif.ts'
