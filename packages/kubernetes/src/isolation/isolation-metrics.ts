import type { CompiledKind } from './compiled-object.ts'

/** Why an object was not as it must be. */
export type RepairCause = 'deleted' | 'changed'

export interface IsolationMetrics {
  /** Something that enforces a policy was not as it must be, and is again. */
  repaired(policy: string, kind: CompiledKind, cause: RepairCause): void
}
