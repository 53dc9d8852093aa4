import type { Sandbox, SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'

/** What the controllers count: the metrics of the API, under its names. Labels are taken from the objects. */
export interface SandboxMetrics {
  /** Once a claim, when it becomes Ready for the first time. `pool`: of its spec. Also counts `agent_sandbox_claim_startup_latency_ms` and its like. */
  claimBecameReady(claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>, wallMs: number): void
  /** Once a claim, when a Sandbox was found or made for it. */
  claimGotSandbox(claim: Stored<SandboxClaim>, sandbox: Stored<Sandbox>, ready: boolean): void
  /** When a witness has seen that its kernel is not what it was promised. */
  kernelMismatched(sandbox: Stored<Sandbox>): void
  /** When its Ready condition becomes True. */
  sandboxBecameReady(sandbox: Stored<Sandbox>, wallMs: number): void
}
