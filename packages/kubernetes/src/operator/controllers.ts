import { claimController } from '../claim/index.ts'
import type { Controller } from '../controller/index.ts'
import { quarantineTerm } from '../quarantine/index.ts'
import { sandboxController } from '../sandbox/index.ts'
import { templateController } from '../template/template-controller.ts'
import { isStale, warmPoolController } from '../warmpool/index.ts'
import type { Caches, CoreCaches, OperatorContext } from './operator-context.ts'

/** What runs for one term. */
export type ControllerFactory<Known extends CoreCaches> = (context: OperatorContext<Known>) => Pick<Controller, 'run'>

/** Run in any case. */
export const coreControllers: readonly ControllerFactory<CoreCaches>[] = [sandboxController]

/** Run with --extensions. */
export const extensionControllers: readonly ControllerFactory<Caches>[] = [
  templateController,
  warmPoolController,
  (context) => claimController(context, { isStale }),
  quarantineTerm,
]
