import type { Bulkhead, Image } from '@bulkhead/sdk/node'
import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { data, json } from '../output/streams.ts'
import { renderTable } from '../output/table.ts'
import { pullImage } from '../run/pull-image.ts'
import { formatSize } from '../size.ts'

interface Options {
  readonly json?: boolean
}

/** `bulkhead image ls`. */
export async function imageLs(_args: string[], options: Options, context: CommandContext): Promise<number> {
  return withClient(context, async (client, signal) => show(await client.images.list({ signal }), options))
}

/** `bulkhead image pull`. */
export async function imagePull(
  [reference = '']: string[],
  options: Options,
  context: CommandContext
): Promise<number> {
  return withClient(context, async (client, signal) => show([await pullImage(client, reference, signal)], options))
}

/** `bulkhead image build`: the default image from the newest packages. */
export async function imageBuild(_args: string[], options: Options, context: CommandContext): Promise<number> {
  return imagePull(['default'], options, context)
}

/** `bulkhead image rm`. */
export async function imageRm(names: string[], options: Options, context: CommandContext): Promise<number> {
  return withClient(context, async (client, signal) => {
    const removed: Image[] = []
    for (const name of names) removed.push(await client.images.remove(name, { signal }))
    show(removed, options)
  })
}

/** `bulkhead image prune`. */
export async function imagePrune(_args: string[], options: Options, context: CommandContext): Promise<number> {
  return withClient(context, async (client, signal) => show(await client.images.prune({ signal }), options))
}

async function withClient(
  context: CommandContext,
  use: (client: Bulkhead, signal: AbortSignal) => Promise<void>
): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  using client = await connectClient(context, { signal })
  await use(client, signal)
  return ExitCode.success
}

function show(images: readonly Image[], options: Options): void {
  if (options.json) {
    json(images)
    return
  }
  data(
    renderTable(
      images,
      [
        { title: 'NAME', value: ({ names }) => names.join(' ') || '-' },
        { title: 'DIGEST', value: ({ digest }) => digest },
        { title: 'SIZE', value: ({ sizeBytes }) => formatSize(sizeBytes) },
        { title: 'CREATED', value: ({ createdAt }) => createdAt },
        { title: 'IN USE', value: ({ inUse }) => (inUse === undefined ? '' : inUse ? 'yes' : 'no') },
      ],
      { terminal: process.stdout.isTTY }
    )
  )
}
