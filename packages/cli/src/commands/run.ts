import type { Sandbox } from '@bulkhead/sdk/node'
import { failure, isFailure } from '@bulkhead/wire/errors'
import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { describeError } from '../output/report-error.ts'
import { talk } from '../output/streams.ts'
import { createSandbox } from '../run/create-sandbox.ts'
import { ForwardedSignals } from '../run/forwarded-signals.ts'
import { deadlineMs, keepAlive } from '../run/lifeline.ts'
import { ownExitCode } from '../run/own-exit-code.ts'
import { type ProcessPlan, planProcess, planSandbox, type RunOptions } from '../run/plan.ts'
import { type ProcessResult, runProcess } from '../run/process-io.ts'
import { findScript, type Script } from '../run/script.ts'

/** Where --dir goes, below the user's home, when no --workdir says. */
const uploadFolder = 'workspace'

/** `bulkhead run`. Returns the command's exit code, or one of ours: see `exit-code.ts`. */
export async function run(args: string[], options: RunOptions, context: CommandContext): Promise<number> {
  using signals = new ForwardedSignals()
  try {
    return await runInNewSandbox(args, options, context, signals)
  } catch (error) {
    return ownExitCode(error)
  }
}

async function runInNewSandbox(
  args: readonly string[],
  options: RunOptions,
  context: CommandContext,
  signals: ForwardedSignals
): Promise<number> {
  const request = planSandbox(options)
  const script = await findScript(args[0] ?? '')
  const plan = planProcess(args, options, process.env)
  if (options.all && options.dir === undefined) {
    throw failure('invalid_request', {
      field: '--all',
      problem: 'says what of --dir is uploaded, and there is no --dir',
    })
  }
  const { signal } = signals
  const upload = script || options.dir !== undefined ? await prepareUpload(plan, script, options, signal) : undefined
  const started = performance.now()
  using client = await connectClient(context, { signal, yes: options.yes ?? false })
  // One that is kept has no deadline; any other lives as long as this process says so.
  const sandbox = await createSandbox(client, { ...request, ...(!options.keep && { deadlineMs }) }, signal)
  await using end = new AsyncDisposableStack()
  if (options.keep) talk(`bulkhead: keeping ${sandbox.id}`)
  else keepWhileRunning(sandbox, end)
  const readyMs = performance.now() - started

  await upload?.send(sandbox)
  const result = await runProcess(sandbox, upload?.plan ?? plan, signals, { capture: options.json ?? false })
  const workdir = upload?.plan.workdir ?? plan.workdir
  const isBack = await bringAllBack(sandbox, options, { workdir, user: plan.user, signal }, context.config.debug)
  await report(sandbox, options, result, readyMs, signal)
  // How the command ended counts for more than that something did not come back, which has been told.
  return isBack || result.exitCode !== ExitCode.success ? result.exitCode : ExitCode.bulkhead
}

function keepWhileRunning(sandbox: Sandbox, end: AsyncDisposableStack): void {
  end.defer(async () => {
    try {
      await sandbox.delete()
    } catch (error) {
      // Its deadline, or its own end, was faster. If the server has died, the next one removes it when the deadline has passed.
      if (!isFailure(error, 'sandbox_not_found') && !isFailure(error, 'server_unreachable')) throw error
    }
  })
  end.use(
    keepAlive(
      () => sandbox.setDeadline(deadlineMs),
      (error) => talk(`bulkhead: the server cannot be reached: ${String(error)}`)
    )
  )
}

/** Loaded only for scripts and folders. */
async function prepareUpload(plan: ProcessPlan, script: Script | undefined, options: RunOptions, signal: AbortSignal) {
  const { planUpload } = await import('../run/upload.ts')
  return planUpload(plan, script, { dir: options.dir, all: options.all ?? false, folder: uploadFolder }, signal)
}

/** Each on its own; what could not be brought back is told on stderr. False: not all is there. An abort rejects. */
async function bringAllBack(
  sandbox: Sandbox,
  options: RunOptions,
  access: { workdir: string | undefined; user: string | undefined; signal: AbortSignal },
  debug: boolean
): Promise<boolean> {
  if (!options.out) return true
  const { bringBack } = await import('../run/bring-back.ts')
  let all = true
  for (const path of options.out) {
    try {
      await bringBack(sandbox, path, access)
    } catch (error) {
      access.signal.throwIfAborted()
      talk(describeError(error, debug))
      all = false
    }
  }
  return all
}

async function report(
  sandbox: Sandbox,
  options: RunOptions,
  result: ProcessResult,
  readyMs: number,
  signal: AbortSignal
): Promise<void> {
  if (!options.evidence && !options.json) return
  const { reportRun } = await import('../run/report-run.ts')
  await reportRun(sandbox, options, result, readyMs, signal)
}
