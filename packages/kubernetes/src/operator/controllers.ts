import type { Controller } from '../controller/index.ts'
import { templateController } from '../template/template-controller.ts'
import type { Caches, CoreCaches, OperatorContext } from './operator-context.ts'

export type ControllerFactory<Known extends CoreCaches> = (context: OperatorContext<Known>) => Controller

/** Run in any case. */
export const coreControllers: readonly ControllerFactory<CoreCaches>[] = []

/** Run with --extensions. */
export const extensionControllers: readonly ControllerFactory<Caches>[] = [templateController]
