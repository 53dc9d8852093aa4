import { nodeWitnesses } from '../api/index.ts'
import { Controller, done, isNotFound, type ReconcileResult, requeueAfter, toSelf } from '../controller/index.ts'
import type { CoreCaches, OperatorContext } from '../operator/operator-context.ts'
import { type KernelEvidence, silentAfterMs } from './kernel-evidence.ts'

/**
 * Notices that a witness has fallen silent. Before it says so it asks the API server: of a watch that was cut nothing is heard either, and that is no
 * node's fault.
 */
export function witnessController(
  { client, caches, controllerOptions }: OperatorContext<CoreCaches>,
  evidence: KernelEvidence
): Controller {
  const reconcile = async (node: string, signal: AbortSignal): Promise<ReconcileResult> => {
    const quietMs = evidence.quietMs(node)
    if (quietMs === undefined || evidence.isSilent(node)) return done
    if (quietMs < silentAfterMs) return requeueAfter(silentAfterMs - quietMs)
    const known = caches.witnesses?.store.get(node)
    try {
      const { metadata } = await client.get(nodeWitnesses, { name: node }, { signal })
      if (metadata.resourceVersion === known?.metadata.resourceVersion) evidence.fallSilent(node)
      else evidence.heard(node)
    } catch (error) {
      // The watch will tell.
      if (!isNotFound(error)) throw error
    }
    return evidence.isSilent(node) ? done : requeueAfter(silentAfterMs)
  }
  const controller = new Controller({ ...controllerOptions('nodewitness'), workers: 4, reconcile })
  return caches.witnesses ? controller.watch(caches.witnesses, toSelf()) : controller
}
