import { join } from 'node:path'

const prefix = 'gvisor-'

/** The name of a kernel's run folder and cgroup: both are shared with other runtimes. */
export const runName = (id: string): string => prefix + id

/** The id in such a name; undefined when it is another runtime's. */
export const idOfRunName = (name: string): string | undefined =>
  name.startsWith(prefix) ? name.slice(prefix.length) : undefined

/** Where everything of one gVisor kernel stands below the run root. Short: a Unix socket's path has at most 107 bytes. */
export class RunFolder {
  /** `<runRoot>/gvisor-<id>`, mode 0711: the kernel's uid may pass, nobody but the owner may look. */
  readonly path: string

  constructor(runRoot: string, id: string) {
    this.path = join(runRoot, runName(id))
  }

  /** The holder's end of the byte stream. */
  get channelSocket(): string {
    return join(this.path, 'channel')
  }

  /** Where the holder says how it ended. */
  get controlSocket(): string {
    return join(this.path, 'control')
  }

  /** What runsc and the guest's first process print; bounded by the holder. */
  get log(): string {
    return join(this.path, 'log')
  }

  /** What the holder itself says, should it fail to start. */
  get holderLog(): string {
    return join(this.path, 'holder.log')
  }

  /** The OCI bundle. */
  get bundle(): string {
    return join(this.path, 'bundle')
  }

  get config(): string {
    return join(this.bundle, 'config.json')
  }

  /** runsc wants a folder as root even where an image takes its place. */
  get emptyRoot(): string {
    return join(this.bundle, 'root')
  }

  /** runsc's own state: belongs to the kernel's uid. */
  get runscRoot(): string {
    return join(this.path, 'runsc')
  }

  /** runsc writes the sentry's pid here before the guest's first instruction. */
  get sentryPid(): string {
    return join(this.runscRoot, 'sentry.pid')
  }

  /** Where the sentry's Go runtime reports its own death. */
  get panicLog(): string {
    return join(this.runscRoot, 'panic.log')
  }
}
