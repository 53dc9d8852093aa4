import type { Sandbox, SandboxTemplate } from '../api/index.ts'
import { keyOf, type Stored } from '../controller/index.ts'
import { malformationOfTemplate } from '../malformation/index.ts'
import { templateNameOf } from './adoption.ts'
import type { ClaimWork } from './claim-work.ts'

/** The template the Sandbox was made from. Undefined: gone, or nothing that can be read. */
export function templateOf(
  { context: { caches } }: ClaimWork,
  sandbox: Stored<Sandbox>
): Stored<SandboxTemplate> | undefined {
  const { namespace } = sandbox.metadata
  const name = templateNameOf(sandbox)
  const template = name ? caches.templates.store.get(keyOf({ namespace, name })) : undefined
  return template && !malformationOfTemplate(template) ? template : undefined
}
