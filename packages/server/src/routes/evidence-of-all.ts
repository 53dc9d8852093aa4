import type { Backend } from '@bulkhead/sandbox'
import { type EvidenceOfAll, isFailure } from '@bulkhead/wire'
import { toFailure } from '../to-failure.ts'

/** Each means questions to a guest, which may be slow to answer or hostile: some at a time. */
const atOnce = 4

/** Evidence of every running sandbox. One whose evidence cannot be had is told with the reason: left out it would pass for absent. */
export async function evidenceOfAll(backend: Backend, signal: AbortSignal): Promise<EvidenceOfAll> {
  const result: EvidenceOfAll = { evidence: [], failed: [] }
  const waiting = (await backend.list()).filter(({ state }) => state === 'running')
  const worker = async () => {
    for (let sandbox = waiting.shift(); sandbox; sandbox = waiting.shift()) {
      signal.throwIfAborted()
      try {
        result.evidence.push(await backend.evidence(sandbox.id, signal))
      } catch (error) {
        // It ended in between: then there is nothing to prove.
        if (isFailure(error, 'sandbox_not_running') || isFailure(error, 'sandbox_not_found')) continue
        const { code, message } = toFailure(error, 'evidence')
        result.failed.push({ sandboxId: sandbox.id, code, message })
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return result
}
