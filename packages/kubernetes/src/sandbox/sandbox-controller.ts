import { type Sandbox, sandboxes } from '../api/index.ts'
import {
  type Change,
  Controller,
  done,
  type KubernetesObject,
  objectKey,
  type ReconcileResult,
  toController,
  type Wanted,
} from '../controller/index.ts'
import type { CoreCaches, OperatorContext } from '../operator/operator-context.ts'
import { isNews } from './is-news.ts'
import { laneOf } from './lane-of.ts'
import { NameHashes } from './name-hashes.ts'
import { reconcileSandbox } from './reconcile-sandbox.ts'
import { SandboxMemory } from './sandbox-memory.ts'

/** What stands in the way of a Sandbox is tried again at this distance at most: not all of it is watched. */
const backoff = { baseMs: 5, maxMs: 120_000 }

/**
 * Keeps the Pod, Service and volume claims of each Sandbox as it says, and its status true.
 *
 * Writes of a Sandbox that just runs: its Pod, and its status when it is Ready; the annotation `pod-name` when it was made without; and one status before
 * it is Ready when that takes its time (see `settleWindow`).
 */
export function sandboxController(context: OperatorContext<CoreCaches>): Controller {
  const memory = new SandboxMemory()
  const hashes = new NameHashes()
  const { caches } = context

  const wanted = (key: string): Wanted => {
    const sandbox = caches.sandboxes.store.get(key)
    return sandbox ? { key, lane: laneOf(sandbox) } : key
  }
  const ofSandbox = (change: Change<Sandbox>): Wanted[] => {
    if (change.type === 'deleted') memory.forget(change.object.metadata.uid)
    const own = isNews(change) ? [objectKey(change.object)] : []
    return [...own, ...hashes.note(change)].map(wanted)
  }
  const owner = toController(sandboxes)
  /** Also who wants this name: it may just have become free, or open to adoption. */
  const ofChild = <T extends KubernetesObject>(change: Change<T>): Wanted[] => {
    const keys = new Set([...owner(change)].map((key) => (typeof key === 'string' ? key : key.key)))
    const named = objectKey(change.object)
    if (caches.sandboxes.store.get(named)) keys.add(named)
    return [...keys].map(wanted)
  }
  const reconcile = async (key: string, signal: AbortSignal): Promise<ReconcileResult> => {
    const sandbox = caches.sandboxes.store.get(key)
    // The garbage collector ends what belonged to it.
    if (!sandbox || sandbox.metadata.deletionTimestamp) return done
    const call = { signal, lane: laneOf(sandbox) }
    const { queue } = controller
    const lookAgainIn = (ms: number) => queue.addAfter(key, ms)
    try {
      await reconcileSandbox({ context, memory, hashes, sandbox, call, failures: queue.failures(key), lookAgainIn })
      return done
    } finally {
      // What a pass remembers of one that was deleted meanwhile, nobody else forgets.
      if (caches.sandboxes.store.get(key)?.metadata.uid !== sandbox.metadata.uid) memory.forget(sandbox.metadata.uid)
    }
  }
  const controller: Controller = new Controller({
    ...context.controllerOptions('sandbox'),
    backoff,
    workers: context.settings.sandboxWorkers,
    reconcile,
  })
  controller.watch(caches.sandboxes, ofSandbox).watch(caches.pods, ofChild).watch(caches.services, ofChild)
  return context.evidence ? controller.watch(context.evidence, owner) : controller
}
