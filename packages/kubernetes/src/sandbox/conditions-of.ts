import type { SandboxConditionType, SandboxStatus } from '../api/index.ts'
import { type Condition, findCondition } from '../controller/index.ts'

/** What can be read as conditions: a status that was written past the schema must not stop its own repair. */
export function conditionsOf(status: SandboxStatus | undefined): readonly Condition[] {
  const conditions: unknown = status?.conditions
  if (!Array.isArray(conditions)) return []
  const readable = conditions.filter((condition) => typeof condition?.type === 'string')
  return readable.length === conditions.length ? conditions : readable
}

export const conditionOf = (status: SandboxStatus | undefined, type: SandboxConditionType): Condition | undefined =>
  findCondition(conditionsOf(status), type)
