import { once } from 'node:events'
import { hostView } from '@bulkhead/witness'
import type { Cri, CriPod } from '@bulkhead/witness/cri'
import type { NodeView, SightedPod } from '@bulkhead/witness/node'
import type { NodeWitnessStatus } from '../api/index.ts'
import {
  type ApiClient,
  type Clock,
  Informer,
  type Logger,
  pods,
  type ResourceType,
  runtimeClasses,
  sleep,
  toFailure,
} from '../controller/index.ts'
import { type Look, planWitness } from './plan-witness.ts'
import type { WitnessIdentity } from './witness-identity.ts'
import { type WitnessPod, witnessPod } from './witness-pod.ts'
import { WitnessWriter } from './witness-writer.ts'

export interface WitnessOptions {
  readonly client: ApiClient
  readonly identity: WitnessIdentity
  readonly cri: Cri
  readonly view: Pick<NodeView, 'look'>
  /** Between two looks. */
  readonly intervalMs: number
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Looks at the node again and again, and writes what it sees into the NodeWitness, until `stop` aborts. While the container runtime or the API server
 * do not answer it is silent: that says more than a verdict that nobody has checked.
 */
export async function runWitness(options: WitnessOptions, stop: AbortSignal): Promise<void> {
  const { client, identity, cri, view, intervalMs, clock, log } = options
  stop.throwIfAborted()
  await using caches = openCaches(options)
  await Promise.race([caches.synced, once(stop, 'abort')])
  const writer = new WitnessWriter(client, identity)
  const host = await hostView()
  let begun = false
  while (!stop.aborted) {
    try {
      if (!begun) await writer.begin(stop)
      begun = true
      const node = { bootID: host.bootId, kernelRelease: host.kernelRelease, runtime: await cri.version(stop) }
      const running = await lookAround(cri, view, stop)
      const status = planWitness({ ...caches.look(), running, node, wallMs: clock.wall() }, writer.last)
      tell(log, writer.last, status)
      await writer.write(status, clock.now(), stop)
    } catch (err) {
      if (stop.aborted) break
      log.error({ code: toFailure(err)?.code ?? 'unexpected', err }, 'witness.look_failed')
    }
    await sleep(clock, intervalMs, stop).catch(() => {})
  }
}

async function lookAround(cri: Cri, view: Pick<NodeView, 'look'>, signal: AbortSignal): Promise<SightedPod[]> {
  const pods = await cri.listPods(signal)
  return view.look(newest(pods.filter(({ ready }) => ready)))
}

/** One for each Pod. */
function newest(sandboxes: readonly CriPod[]): CriPod[] {
  const inOrder = [...sandboxes].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime())
  return [...new Map(inOrder.map((pod) => [pod.uid, pod])).values()]
}

interface WitnessCaches extends AsyncDisposable {
  readonly synced: Promise<unknown>
  look(): Pick<Look, 'pods' | 'runtimeClasses'>
}

function openCaches({ client, identity, clock, log }: WitnessOptions): WitnessCaches {
  const base = { client, clock, log }
  const podsHere = new Informer<WitnessPod>({
    ...base,
    type: pods as ResourceType as ResourceType<WitnessPod>,
    fieldSelector: `spec.nodeName=${identity.node}`,
    transform: witnessPod,
  })
  const classes = new Informer({ ...base, type: runtimeClasses })
  const informers = [podsHere, classes]
  for (const informer of informers) informer.start()
  return {
    synced: Promise.all(informers.map(({ synced }) => synced)),
    look: () => ({
      pods: podsHere.store.list(),
      runtimeClasses: new Map(classes.store.list().map((one) => [one.metadata.name, one])),
    }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(informers.map((informer) => informer[Symbol.asyncDispose]()))
    },
  }
}

/** A line about each Pod that has come to a bad verdict. */
function tell(log: Logger, before: NodeWitnessStatus | undefined, after: NodeWitnessStatus): void {
  const was = new Map(before?.pods?.map(({ uid, reason }) => [uid, reason]))
  for (const { uid, namespace, name, verdict, reason, message } of after.pods ?? []) {
    if (verdict === 'Mismatch' && was.get(uid) !== reason)
      log.warn({ uid, namespace, name, reason, message }, 'witness.mismatch')
  }
}
