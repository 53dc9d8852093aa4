import type { Sandbox } from '@bulkhead/sdk/node'
import { renderEvidence } from '../output/evidence.ts'
import { json, talk } from '../output/streams.ts'
import { verdictFailure } from '../output/verdict-failure.ts'
import type { RunOptions } from './plan.ts'
import type { ProcessResult } from './process-io.ts'

/** `--json`: one object on stdout. `--evidence`: in it, or for people on stderr. Fails `evidence_violated`, `evidence_unknown`. */
export async function reportRun(
  sandbox: Sandbox,
  options: Pick<RunOptions, 'evidence' | 'json' | 'keep'>,
  result: ProcessResult,
  readyMs: number,
  signal: AbortSignal
): Promise<void> {
  const evidence = options.evidence ? await sandbox.evidence({ signal }) : undefined
  if (options.json) {
    const { exit, exitCode, stdout, stderr, durationMs } = result
    json({
      exitCode,
      exit,
      stdout,
      stderr,
      timings: { readyMs: Math.round(readyMs), commandMs: Math.round(durationMs) },
      sandbox: sandbox.info,
      kept: options.keep ?? false,
      ...(evidence && { evidence }),
    })
  } else if (evidence) {
    talk(renderEvidence(evidence))
  }
  const doubt = evidence && verdictFailure(evidence)
  if (doubt) throw doubt
}
