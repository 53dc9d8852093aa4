import { annotation, type Sandbox } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { isSuspended, type PodState } from './plan-status.ts'
import { change, type SandboxPass } from './sandbox-pass.ts'

/**
 * What the annotation `pod-name` should become: a name, null for none, undefined for as it is. It names the Pod that is there; a Pod that is made anew
 * under the same name, or was named before it was made, needs no write.
 */
export function planPodName(sandbox: Stored<Sandbox>, state: PodState): string | null | undefined {
  const named = sandbox.metadata.annotations?.[annotation.podName]
  if (state.kind === 'owned') return state.pod.metadata.name === named ? undefined : state.pod.metadata.name
  if (state.kind === 'absent' && isSuspended(sandbox) && named !== undefined) return null
  return undefined
}

export async function ensurePodName(pass: SandboxPass, state: PodState): Promise<Stored<Sandbox>> {
  const { context, sandbox } = pass
  const wanted = planPodName(sandbox, state)
  if (wanted === undefined) return sandbox
  const metadata = { annotations: { [annotation.podName]: wanted } }
  return change(pass, context.caches.sandboxes, sandbox, { metadata })
}
