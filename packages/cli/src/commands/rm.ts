import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { describeError } from '../output/report-error.ts'
import { data, json, talk } from '../output/streams.ts'

/** `bulkhead rm`: all that can be removed are; the rest is told. */
export async function rm(ids: string[], options: { json?: boolean }, context: CommandContext): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  using client = await connectClient(context, { signal })
  const outcomes = await Promise.allSettled(ids.map((id) => client.sandboxes.delete(id, { signal })))
  const removed = ids.filter((_, at) => outcomes[at]?.status === 'fulfilled')
  if (options.json) json({ removed })
  else data(removed.map((id) => `${id}\n`).join(''))
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') talk(describeError(outcome.reason, context.config.debug))
  }
  return removed.length === ids.length ? ExitCode.success : ExitCode.failed
}
