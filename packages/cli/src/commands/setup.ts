import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { talk } from '../output/streams.ts'
import { setUp } from '../setup/setup.ts'

/** `bulkhead setup`: everything that the first run would do, ahead of it. */
export async function setup(_args: string[], options: { yes?: boolean }, context: CommandContext): Promise<number> {
  using interruption = abortOnInterruption()
  const { config, paths } = context
  const { signal } = interruption
  const record = await setUp({ config, paths, signal, yes: options.yes ?? false })
  const { firstBoot } = await import('../setup/first-boot.ts')
  const whole = await firstBoot(context, signal)
  talk(
    `bulkhead: set up in ${paths.state} (${Object.entries(record.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')})`
  )
  return whole ? ExitCode.success : ExitCode.failed
}
