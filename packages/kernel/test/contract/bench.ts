import type { Workbench } from '../support/workbench.ts'

/** What a runtime cannot do, each with the reason. */
export interface Lacks {
  /** A kernel that panics when told to by sysrq. */
  readonly sysrq?: string
  /** A boot id that differs from clone to clone. */
  readonly clonedBootId?: string
}

/** The suite's tests get the workbench when they run: it does not exist when they are declared. */
export type Bench = () => Workbench
