/**
 * @packageDocumentation The audit of any cluster: which pods share a kernel, what falls together, and what to change first. It reads with `list` alone, and
 * needs nothing installed.
 */
export type { AccountReport } from './accounts.ts'
export type { BlastRadius } from './blast-radius.ts'
export type { Change } from './changes.ts'
export { collectFacts } from './collect.ts'
export { counted } from './counted.ts'
export type { ClusterFacts, HostPath, InsideWitness, Missing, NodeFact, PodFact } from './facts.ts'
export { htmlPage } from './html/page.ts'
export { isOwnKernel, type KernelClass, kernelClasses } from './kernel-class.ts'
export type { NodesLost } from './nodes-lost.ts'
export { type ProbeOptions, probePods } from './probe/probe-pods.ts'
export type { ProbeReport } from './probe-report.ts'
export { type AuditOptions, type AuditReport, audit, type KernelReport, type PodReport } from './report.ts'
export { sarif } from './sarif.ts'
export type { TenantReport } from './tenants.ts'
