import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { CommandContext } from '../command-context.ts'
import { ExitCode, exitCodeOfSignal } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { installationPath } from '../setup/installation.ts'
import { setUp } from '../setup/setup.ts'

/** `bulkhead test`: sets up with what the tests need besides, then hands over to tools/test.ts. */
export async function test(args: string[], options: { yes?: boolean }, context: CommandContext): Promise<number> {
  const { config, paths } = context
  using interruption = abortOnInterruption()
  await setUp({ config, paths, signal: interruption.signal, yes: options.yes ?? false, tests: true })
  const runner = spawn(process.execPath, [join(paths.source, 'tools', 'test.ts'), ...args], {
    cwd: paths.source,
    stdio: 'inherit',
    env: { ...process.env, BULKHEAD_TEST_INSTALLATION: installationPath(paths.state) },
  })
  // In the foreground it gets the terminal's Ctrl-C itself; what was sent to us alone has to be passed on.
  const passOn = () => void runner.kill('SIGTERM')
  interruption.signal.addEventListener('abort', passOn, { once: true })
  return new Promise((resolve, reject) => {
    runner.once('error', reject)
    runner.once('exit', (code, signal) =>
      resolve(signal ? exitCodeOfSignal(constants.signals[signal]) : (code ?? ExitCode.failed))
    )
  })
}
