import { label, nameHash, type Sandbox, type SandboxTemplate } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'

/** Whether a pool's Sandbox was made from something else than what the template says now. */
export type IsStale = (sandbox: Stored<Sandbox>, template: Stored<SandboxTemplate>) => boolean

/** Knows another template only, not another content. */
export const isOfOtherTemplate: IsStale = ({ metadata }, template) =>
  metadata.labels?.[label.sandboxTemplateRefHash] !== nameHash(template.metadata.name)
