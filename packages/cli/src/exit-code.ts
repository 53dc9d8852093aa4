/**
 * Exit codes of the command line, all of them. `run` and `exec` pass on the workload's own code, so what is ours must not look like it:
 * they use 124 to 127 as `timeout`, `docker run` and `podman run` do. The other commands use the small numbers.
 */
export const ExitCode = {
  success: 0,
  /** What was asked for could not be done; the message says why. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** `evidence`: a check did not hold. `doctor`: a requirement is not met. `audit`: more falls with a kernel than is allowed, or a RuntimeClass lies. */
  violated: 3,
  /** `evidence`, `audit`: nothing was seen to be wrong, and yet it is not proven, because an inside did not answer, or not all could be seen. */
  unknown: 4,
  /** `run`, `exec`: the command was ended because --timeout had passed. */
  timedOut: 124,
  /** `run`, `exec`: Bulkhead failed, the command did not. */
  bulkhead: 125,
  /** `run`, `exec`: the command exists but cannot be executed. */
  notExecutable: 126,
  /** `run`, `exec`: there is no such command in the sandbox. */
  notFound: 127,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** What a shell reports for a process ended by a signal. */
export const exitCodeOfSignal = (signalNumber: number): number => 128 + signalNumber
