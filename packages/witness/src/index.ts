/** @packageDocumentation What the host sees of a running kernel, what its inside says, and the verdict over both. */
export { type HostView, hostView } from './host-view.ts'
export { insideChecks, judge } from './judge.ts'
export { type CheckName, withoutRoot } from './missing.ts'
export type { OtherKernel, Testimony } from './testimony.ts'
export { type WitnessRequest, witnessProcess } from './witness-process.ts'
