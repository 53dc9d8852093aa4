/** What the runtime needs of an installation and of the server it works for. All paths absolute. */
export interface GvisorOptions {
  /** The gVisor binary. Together with its parent folders it must be readable by every user: it runs as each kernel's own. */
  readonly runsc: string
  /** The guest agent's binary; readable by every user, too. */
  readonly agent: string
  /** The host-side helper that keeps a kernel's stream. */
  readonly holder: string
  /** One folder per kernel; short (a socket's path has at most 107 bytes), made when it is missing. */
  readonly runRoot: string
  /** Name of the parent cgroup; one path component. */
  readonly cgroupRoot: string
  /** Where the probe's answer is kept. */
  readonly cacheDirectory: string
  /** What the probe's kernel runs as when started as root: a uid that nothing else has. Default 1999999999. */
  readonly probeUid?: number
}
