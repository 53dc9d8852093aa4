import type { Evidence } from '@bulkhead/wire'
import { type BulkheadError, failure } from '@bulkhead/wire/errors'

/** What evidence that is not proof fails with: `evidence_violated`, `evidence_unknown`, `evidence_unwitnessed`. Undefined: proven. */
export function verdictFailure({
  sandboxId,
  host,
  inside,
  missing = [],
  verdict,
}: Evidence): BulkheadError | undefined {
  const { outcome, checks } = verdict
  if (outcome === 'proven') return undefined
  if (outcome === 'unknown' && inside && !host)
    return failure('evidence_unwitnessed', { id: sandboxId, checks: checks.length, missing: missing.join('; ') })
  if (outcome === 'unknown') return failure('evidence_unknown', { id: sandboxId, checks: checks.length })
  return failure('evidence_violated', {
    id: sandboxId,
    checks: checks.filter(({ held }) => !held).map(({ name }) => name),
  })
}
