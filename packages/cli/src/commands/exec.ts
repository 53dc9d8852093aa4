import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { json } from '../output/streams.ts'
import { ForwardedSignals } from '../run/forwarded-signals.ts'
import { ownExitCode } from '../run/own-exit-code.ts'
import { type ProcessOptions, planProcess } from '../run/plan.ts'
import { runProcess } from '../run/process-io.ts'

/** `bulkhead exec`: in a sandbox that was kept. Exit codes as of `run`. */
export async function exec(
  [id = '', ...words]: string[],
  options: ProcessOptions,
  context: CommandContext
): Promise<number> {
  // After the id, `--` is the first word that commander leaves alone.
  const plan = planProcess(words[0] === '--' ? words.slice(1) : words, options, process.env)
  using signals = new ForwardedSignals()
  const { signal } = signals
  try {
    using client = await connectClient(context, { signal })
    const sandbox = await client.sandboxes.get(id, { signal })
    const result = await runProcess(sandbox, plan, signals, { capture: options.json ?? false })
    if (options.json) json({ ...result, durationMs: Math.round(result.durationMs), sandbox: sandbox.info })
    return result.exitCode
  } catch (error) {
    return ownExitCode(error)
  }
}
