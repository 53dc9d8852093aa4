/** @packageDocumentation A kernel of its own for a workload: one contract, `qemu` and `gvisor` behind it. */
export * from './contract.ts'
export { createGvisorRuntime, type GvisorOptions } from './gvisor/index.ts'
export { createQemuRuntime, type QemuRuntimeOptions } from './qemu/qemu-runtime.ts'
