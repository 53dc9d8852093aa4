import { failure } from '@bulkhead/wire/errors'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { talk } from '../output/streams.ts'
import type { Serving } from '../server/serve.ts'
import type { ServeKubernetesOptions } from '../server/serve-kubernetes.ts'

export interface ServeOptions extends ServeKubernetesOptions {
  readonly backend: 'engine' | 'kubernetes'
}

/** `bulkhead serve`: in the foreground, until it is told to end. The other commands of this user find it by its socket. */
export async function serveInForeground(
  _args: string[],
  options: ServeOptions,
  context: CommandContext
): Promise<number> {
  using interruption = abortOnInterruption()
  const serving = await servingOf(options, context)
  const { serve } = await import('../server/serve.ts')
  await serve(serving, context.paths, interruption.signal, () =>
    talk('bulkhead: the server listens; Ctrl-C ends it, sandboxes go on')
  )
  return ExitCode.success
}

async function servingOf({ backend, ...options }: ServeOptions, { config, paths }: CommandContext): Promise<Serving> {
  if (backend === 'kubernetes') return (await import('../server/serve-kubernetes.ts')).serveKubernetes(options)
  const [unused] = Object.keys(options)
  if (unused !== undefined) {
    const field = `--${unused.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    throw failure('invalid_request', { field, problem: 'is for --backend kubernetes' })
  }
  const { idleExitMs: _, ...serving } = (await import('../server/serve-engine.ts')).serveEngine(config, paths)
  return serving
}
