import { Listr, ListrLogger, ProcessOutput } from 'listr2'
import { talk } from '../output/streams.ts'
import type { Host } from './host.ts'

/** What is shown of a step, and what of its context decides how. Set-up's steps are of this kind, and others'. */
export interface ShownStep<Context> {
  readonly name: string
  readonly why: string
  make(context: Context, progress: (text: string) => void): Promise<void>
}
export interface ShownContext {
  readonly signal: AbortSignal
  readonly yes: boolean
  readonly host: Pick<Host, 'root'>
}

/** On lines of plain text, the same step reports at most this often. */
const plainEveryMs = 5_000

/**
 * Makes the steps of one row at the same time and shows what is made, how far it is and why: a list that is redrawn on a terminal, lines elsewhere.
 * All on stderr. The first failure ends the others and is thrown.
 */
export async function showSteps<Context extends ShownContext>(
  steps: readonly ShownStep<Context>[],
  context: Context
): Promise<void> {
  // A step that asks something needs the terminal for itself, and so does sudo.
  const interactive = steps.some((step) => step.name === 'host packages') && (!context.yes || !context.host.root)
  if (process.stderr.isTTY && process.stdout.isTTY && !interactive) await showList(steps, context)
  else await printLines(steps, context)
}

async function showList<Context extends ShownContext>(
  steps: readonly ShownStep<Context>[],
  context: Context
): Promise<void> {
  const failed = new AbortController()
  const inner = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) }
  const list = new Listr(
    steps.map((step) => ({
      title: `${step.name}: ${step.why}`,
      task: async (_: unknown, task: { output: string }) => {
        try {
          await step.make(inner, (text) => {
            if (text) task.output = text
          })
        } catch (error) {
          failed.abort(error)
          throw failed.signal.reason
        }
      },
    })),
    {
      concurrent: true,
      exitOnError: true,
      registerSignalListeners: false, // signals end the set-up through the context's own
      rendererOptions: {
        logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }),
        showErrorMessage: false, // it is printed once, by who gets it
        collapseErrors: false,
      },
    }
  )
  await list.run()
}

async function printLines<Context extends ShownContext>(
  steps: readonly ShownStep<Context>[],
  context: Context
): Promise<void> {
  const failed = new AbortController()
  const inner = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) }
  const outcomes = await Promise.allSettled(
    steps.map(async (step) => {
      const started = performance.now()
      talk(`bulkhead: ${step.name}: ${step.why}`)
      try {
        await step.make(
          inner,
          throttled((text) => talk(`bulkhead: ${step.name}: ${text}`))
        )
      } catch (error) {
        failed.abort(error)
        throw failed.signal.reason
      }
      talk(`bulkhead: ${step.name}: done in ${Math.round((performance.now() - started) / 1000)} s`)
    })
  )
  const rejected = outcomes.find((outcome) => outcome.status === 'rejected')
  if (rejected) throw rejected.reason
}

function throttled(print: (text: string) => void): (text: string) => void {
  let last = Number.NEGATIVE_INFINITY
  return (text) => {
    const now = performance.now()
    if (!text || now - last < plainEveryMs) return
    last = now
    print(text)
  }
}
