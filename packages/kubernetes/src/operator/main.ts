/** The operator's process. Usage: `node main.ts --extensions --leader-elect [--kubeconfig=FILE]`; `--help` lists the flags. */
import { isFailure } from '@bulkhead/wire'
import { systemClock, toFailure } from '../controller/index.ts'
import { coreControllers, extensionControllers } from './controllers.ts'
import { flagHelp } from './flags/flag-help.ts'
import { parseFlags } from './flags/flag-syntax.ts'
import { flagGroups, ignoredPrefixes, type OperatorFlags, operatorFlags } from './flags/operator-flags.ts'
import { build } from './metrics/build-info.ts'
import { runOperator } from './operator.ts'
import { operatorLog } from './operator-log.ts'
import { type OperatorOptions, optionsFrom } from './operator-options.ts'
import { startTracing } from './start-tracing.ts'

const exitCode = { ok: 0, failed: 1, usage: 2 } as const

/** After SIGTERM; a Pod's usual grace period, after which the kubelet kills, is 30 s. */
const handOverMs = 28_000

async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => /^--?(h|help)$/.test(arg))) {
    process.stdout.write(flagHelp('operator', flagGroups))
    return exitCode.ok
  }
  let flags: OperatorFlags
  try {
    flags = parseFlags(operatorFlags, args, ignoredPrefixes)
  } catch (error) {
    if (!isFailure(error)) throw error
    process.stderr.write(`${error.message}\n`)
    return exitCode.usage
  }
  if (flags.version) {
    process.stdout.write(`${build.version} (${build.commit}, ${build.date}, node ${process.version})\n`)
    return exitCode.ok
  }
  return await run(optionsFrom(flags))
}

async function run(options: OperatorOptions): Promise<number> {
  const log = operatorLog(options.log)
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      // Asked twice: somebody is in a hurry.
      if (stop.signal.aborted) process.exit(exitCode.failed)
      log.info({ signal }, 'operator.stopping')
      stop.abort(new Error(signal))
      setTimeout(() => {
        log.error({ handOverMs }, 'operator.hand_over_timed_out')
        process.exit(exitCode.failed)
      }, handOverMs).unref()
    })
  log.info({ version: build.version, commit: build.commit, extensions: options.extensions }, 'operator.starting')
  const controllers = { core: coreControllers, extensions: extensionControllers }
  try {
    await using _tracing = options.tracing ? await startTracing(process.env) : undefined
    await runOperator({ options, controllers, env: process.env, clock: systemClock, log }, stop.signal)
    log.info({}, 'operator.stopped')
    return exitCode.ok
  } catch (err) {
    const code = toFailure(err)?.code ?? 'unexpected'
    log.error({ code, err }, code === 'leadership_lost' ? 'operator.leadership_lost' : 'operator.failed')
    return exitCode.failed
  }
}

// What still runs after this has lost its reason, or its right, to run.
process.exit(await main(process.argv.slice(2)))
