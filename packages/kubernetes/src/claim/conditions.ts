/** Reasons of a claim's Ready condition that are its own; all others are the Sandbox's. Clients compare them. */
export const reason = Object.freeze({
  warmPoolNotFound: 'WarmPoolNotFound',
  templateNotFound: 'TemplateNotFound',
  invalidMetadata: 'InvalidMetadata',
  envVarsInjectionRejected: 'EnvVarsInjectionRejected',
  volumeClaimTemplatesError: 'VolumeClaimTemplatesError',
  claimExpired: 'ClaimExpired',
  adoptionConflict: 'AdoptionConflict',
  sandboxCreatePending: 'SandboxCreatePending',
  sandboxNotReady: 'SandboxNotReady',
  reconcilerError: 'ReconcilerError',
})

export const message = Object.freeze({
  warmPoolNotFound: (name: string) => `SandboxWarmPool "${name}" not found`,
  templateNotFound: (name: string) => `SandboxTemplate "${name}" not found`,
  claimExpired: 'Claim expired. Sandbox cleanup initiated.',
  deletionSkipped: 'Claim expired. Sandbox is not controlled by this claim; deletion skipped.',
  adoptionConflict: 'Other claims were quicker to take the members of the pool that were tried',
  sandboxCreatePending: (name: string) => `A Sandbox "${name}" is still being deleted`,
  sandboxNotReady: 'Sandbox has not reported a Ready condition yet',
  reconcilerError: (error: string) => `Error seen: ${error}`,
})
