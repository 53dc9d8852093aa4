/** A pod as the node's container runtime has it: one sandbox, and the containers in it. */
export interface CriPod {
  /** Of the sandbox. A pod whose sandbox was made anew is two of these for a while, at most one of them ready. */
  readonly sandboxId: string
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** Whether the sandbox runs. */
  readonly ready: boolean
  /** The runtime handler it was asked for. Empty: the runtime's default. */
  readonly handler: string
  readonly createdAt: Date
  /** Of the sandbox. Absent when it does not run, or the runtime does not say; then `unsaid` has the reason. */
  readonly process?: CriProcess
  readonly unsaid?: string
  readonly containers: readonly CriContainer[]
}

export interface CriContainer {
  readonly id: string
  readonly name: string
  readonly state: 'created' | 'running' | 'exited' | 'unknown'
  /** Absent when it does not run, or the runtime does not say; then `unsaid` has the reason. */
  readonly process?: CriProcess
  readonly unsaid?: string
}

/** What the runtime says of a process beyond the CRI (`verbose`). It is the runtime's word: /proc has the last. */
export interface CriProcess {
  /** As the runtime's pid namespace counts, which is the node's. With a kernel of its own it is that kernel's process. */
  readonly pid: number
  /** Which shim runs it: `io.containerd.runc.v2`, `io.containerd.runsc.v1`. Absent with runtimes other than containerd. */
  readonly runtimeType?: string
  /** The OCI runtime's program, where the node's configuration names one. */
  readonly binary?: string
}
