import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { describeError } from '../output/report-error.ts'
import { talk } from '../output/streams.ts'

/**
 * Has every runtime probed by a real boot, and a sandbox of the default image made and removed, which leaves its template behind: the first run need
 * not wait for either. False: a runtime passed its probe and could not start a sandbox all the same; it is told why.
 */
export async function firstBoot(context: CommandContext, signal: AbortSignal): Promise<boolean> {
  using client = await connectClient(context, { signal })
  talk('bulkhead: booting each runtime, to see what this machine can do')
  let whole = true
  for (const { runtime, usable, isolation, reason } of await client.runtimes({ signal })) {
    talk(`bulkhead: ${runtime}: ${usable ? `works, class ${isolation}` : `does not work here: ${reason}`}`)
    if (!usable || !isolation) continue
    try {
      const sandbox = await client.sandboxes.create({ runtime, isolation, deadlineMs: 60_000 }, { signal })
      await sandbox.delete()
    } catch (error) {
      if (signal.aborted) throw error
      talk(describeError(error, context.config.debug))
      whole = false
    }
  }
  return whole
}
