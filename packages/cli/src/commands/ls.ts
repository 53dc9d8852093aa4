import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { data, json } from '../output/streams.ts'
import { renderTable } from '../output/table.ts'
import { formatSize } from '../size.ts'

/** `bulkhead ls`. */
export async function ls(
  _args: string[],
  options: { all?: boolean; json?: boolean },
  context: CommandContext
): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  using client = await connectClient(context, { signal })
  const sandboxes = (await client.sandboxes.list({ ended: options.all ?? false, signal })).map(({ info }) => info)
  if (options.json) {
    json(sandboxes)
    return ExitCode.success
  }
  data(
    renderTable(
      sandboxes,
      [
        { title: 'ID', value: ({ id }) => id },
        { title: 'STATE', value: ({ state, reason }) => (reason ? `${state} (${reason})` : state) },
        { title: 'IMAGE', value: ({ image }) => image },
        { title: 'RUNTIME', value: ({ runtime }) => runtime },
        { title: 'ISOLATION', value: ({ isolation }) => isolation },
        { title: 'MEMORY', value: ({ memoryBytes }) => formatSize(memoryBytes) },
        { title: 'CREATED', value: ({ createdAt }) => createdAt },
        { title: 'DEADLINE', value: ({ deadlineAt }) => deadlineAt ?? '' },
      ],
      { terminal: process.stdout.isTTY }
    )
  )
  return ExitCode.success
}
