import type { Config } from '../config.ts'
import type { Paths } from '../paths.ts'
import { needInstallation } from '../setup/installation.ts'
import { engineConfig } from './engine-config.ts'
import type { Serving } from './serve.ts'

/** The sandboxes of this machine. Fails `not_set_up`. */
export function serveEngine(config: Config, paths: Paths): Serving {
  const installation = needInstallation(paths.state)
  return {
    idleExitMs: config.idleExitMs,
    async open(log, signal) {
      const { openEngine } = await import('@bulkhead/engine')
      return openEngine(engineConfig(config, paths, installation, log), signal)
    },
  }
}
