import type { SandboxConditionType, SandboxStatus } from '../api/index.ts'
import { type Condition, findCondition, readableConditions } from '../controller/index.ts'

/** What can be read as conditions: a status that was written past the schema must not stop its own repair. */
export const conditionsOf = (status: SandboxStatus | undefined): readonly Condition[] =>
  readableConditions(status?.conditions)

export const conditionOf = (status: SandboxStatus | undefined, type: SandboxConditionType): Condition | undefined =>
  findCondition(status?.conditions, type)
