import { join } from 'node:path'
import type { CommandContext } from '../command-context.ts'
import { runInForeground } from '../foreground.ts'
import { abortOnInterruption } from '../interruption.ts'
import { installationPath } from '../setup/installation.ts'
import { setUp } from '../setup/setup.ts'

/** `bulkhead test`: sets up with what the tests need besides, then hands over to tools/test.ts. */
export async function test(args: string[], options: { yes?: boolean }, context: CommandContext): Promise<number> {
  const { config, paths } = context
  using interruption = abortOnInterruption()
  const { signal } = interruption
  await setUp({ config, paths, signal, yes: options.yes ?? false, tests: true })
  return runInForeground([process.execPath, join(paths.source, 'tools', 'test.ts'), ...args], {
    signal,
    cwd: paths.source,
    env: { ...process.env, BULKHEAD_TEST_INSTALLATION: installationPath(paths.state) },
  })
}
