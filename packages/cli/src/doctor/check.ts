/** One line of `doctor`: what was looked for, what was found, what follows, and the fix. */
export interface Check {
  /** Dotted: `host.kvm`, `package.skopeo`, `runtime.qemu`. */
  readonly name: string
  /** `warn`: Bulkhead works, with less. `fail`: it does not, or not this runtime. */
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  /** What does not work because of it. */
  readonly consequence?: string
  /** What to do, exactly; absent where nothing can be done or need be. */
  readonly fix?: string
}
