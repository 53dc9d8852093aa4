import type { EvidenceOfAll } from '@bulkhead/sdk/node'
import { isFailure } from '@bulkhead/wire/errors'
import { connectClient } from '../client.ts'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { renderEvidence } from '../output/evidence.ts'
import { printable } from '../output/printable.ts'
import { describeError } from '../output/report-error.ts'
import { data, json, talk } from '../output/streams.ts'
import { verdictFailure } from '../output/verdict-failure.ts'

/**
 * `bulkhead evidence [sandbox]`. Exit code `violated` when a check of any of them failed, `unknown` when the inside of one did not answer, `failed` when
 * the evidence of one cannot be had; the first of these that applies.
 */
export async function evidence([id]: string[], options: { json?: boolean }, context: CommandContext): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  using client = await connectClient(context, { signal })
  const all: EvidenceOfAll =
    id === undefined
      ? await client.evidence({ signal })
      : { evidence: [await (await client.sandboxes.get(id, { signal })).evidence({ signal })], failed: [] }

  if (options.json) json(all)
  else for (const one of all.evidence) data(`${renderEvidence(one)}\n`)
  for (const { sandboxId, message } of all.failed) talk(`bulkhead: no evidence of ${sandboxId}: ${printable(message)}`)
  if (all.evidence.length + all.failed.length === 0 && !options.json) talk('bulkhead: no sandbox is running')

  const doubts = all.evidence.map(verdictFailure).filter((doubt) => doubt !== undefined)
  for (const doubt of doubts) talk(describeError(doubt, context.config.debug))
  if (doubts.some((doubt) => isFailure(doubt, 'evidence_violated'))) return ExitCode.violated
  if (doubts.length > 0) return ExitCode.unknown
  return all.failed.length > 0 ? ExitCode.failed : ExitCode.success
}
