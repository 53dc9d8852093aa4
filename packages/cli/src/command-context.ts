import type { Config } from './config.ts'
import type { Paths } from './paths.ts'

/** What every command gets. */
export interface CommandContext {
  readonly config: Config
  readonly paths: Paths
}
