/** gVisor: an application kernel in user space, `runsc`, as a kernel runtime. */
export type { GvisorOptions } from './gvisor-options.ts'
export { createGvisorRuntime } from './gvisor-runtime.ts'
