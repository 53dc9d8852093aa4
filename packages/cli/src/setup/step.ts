import type { Config } from '../config.ts'
import type { Paths } from '../paths.ts'
import type { Host } from './host.ts'
import type { Installation } from './installation.ts'
import type { Purpose } from './requirements.ts'

/** What a step works with. It adds what it has found or made to `found`; later steps rely on it. */
export interface SetupContext {
  readonly config: Config
  readonly paths: Paths
  readonly host: Host
  readonly signal: AbortSignal
  /** Consent was given beforehand. */
  readonly yes: boolean
  /** What the host is set up for; which packages it needs follows from it. */
  readonly purposes: ReadonlySet<Purpose>
  readonly found: Partial<Record<keyof Installation, string>>
  readonly versions: Record<string, string>
}

/** One thing that must be there. Steps are repeatable: `check` finds what is done, `make` does only what is not, and can be cut off at any moment. */
export interface SetupStep {
  readonly name: string
  /** Said while it runs: what it is good for. */
  readonly why: string
  /** True: all there, and `context.found` says where. Quick, and without changing anything. */
  check(context: SetupContext): Promise<boolean>
  make(context: SetupContext, progress: (text: string) => void): Promise<void>
}
