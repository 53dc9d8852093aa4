import type { Sandbox, SandboxTemplate } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'

/** Whether a pool's Sandbox was made from something else than what the template says now. */
export type IsStale = (sandbox: Stored<Sandbox>, template: Stored<SandboxTemplate>) => boolean
