import type { CommandContext } from '../command-context.ts'
import type { Check } from '../doctor/check.ts'
import { hostChecks } from '../doctor/host-checks.ts'
import { installationChecks } from '../doctor/installation-checks.ts'
import { packageChecks } from '../doctor/package-checks.ts'
import { renderChecks } from '../doctor/render.ts'
import { runtimeCheck } from '../doctor/runtime-checks.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { data, json, talk } from '../output/streams.ts'
import { inspectHost } from '../setup/host.ts'

/** `bulkhead doctor`: looks and tells, mends nothing. Exit code `violated` when something fails. */
export async function doctor(
  _args: string[],
  options: { json?: boolean; fresh?: boolean },
  context: CommandContext
): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  const { paths } = context
  const installation = installationChecks(paths)
  const host = inspectHost()
  const checks: Check[] = [
    ...(await hostChecks(host, paths)),
    ...(await packageChecks(host, signal)),
    ...installation.checks,
    ...(installation.record ? await probe(context, options.fresh ?? false, signal) : []),
  ]
  if (options.json) json({ checks })
  else data(renderChecks(checks))
  return checks.some((check) => check.state === 'fail') ? ExitCode.violated : ExitCode.success
}

/** Asks the server, because the one that runs the kernels has to say what they can do. Never sets up: that would be mending. */
async function probe(context: CommandContext, fresh: boolean, signal: AbortSignal): Promise<Check[]> {
  const { ensureServer } = await import('../server/ensure-server.ts')
  const { connect, isFailure } = await import('@bulkhead/sdk/node')
  try {
    await ensureServer({ paths: context.paths, signal, setUp: async () => {} })
    using client = connect({ socketPath: context.paths.serverSocket })
    if (fresh) talk('bulkhead: booting every runtime to see what works…')
    return (await client.runtimes({ fresh, signal })).map(runtimeCheck)
  } catch (error) {
    if (!isFailure(error)) throw error
    return [
      {
        name: 'server',
        state: 'fail',
        found: error.message,
        consequence: 'the runtimes cannot be probed',
        fix: error.next,
      },
    ]
  }
}
