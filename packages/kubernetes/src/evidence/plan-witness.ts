import { isDeepStrictEqual } from 'node:util'
import type { SightedPod, Sighting } from '@bulkhead/witness/node'
import { type NodeWitnessStatus, type WitnessedPod, witnessVerdicts } from '../api/index.ts'
import { type RuntimeClass, type Stored, wholeSeconds } from '../controller/index.ts'
import { type Asked, planVerdict } from './plan-verdict.ts'
import { promisedClass } from './promised-class.ts'
import type { WitnessPod } from './witness-pod.ts'

/** All that was found out in one look at a node. */
export interface Look {
  /** Of the API server, on this node. */
  readonly pods: readonly Stored<WitnessPod>[]
  /** By name. */
  readonly runtimeClasses: ReadonlyMap<string, Stored<RuntimeClass>>
  /** Of the container runtime, those that run, with what shows of each. */
  readonly running: readonly SightedPod[]
  readonly node: Pick<NodeWitnessStatus, 'bootID' | 'kernelRelease' | 'runtime'>
  readonly wallMs: number
}

/** The node's own watch may be ahead of ours: so long a Pod is not yet called unknown to the API server. */
const newPodMs = 10_000

/** What the definition allows. */
const mostPods = 250

/** The status that follows. Pure. `before`: the last one, for since when a verdict stands. */
export function planWitness(look: Look, before: NodeWitnessStatus | undefined): NodeWitnessStatus {
  const known = new Map(look.pods.map((pod) => [runtimeUid(pod), pod]))
  const running = new Map(
    look.running
      .filter(({ pod }) => known.has(pod.uid) || look.wallMs - pod.createdAt.getTime() >= newPodMs)
      .map((one) => [one.pod.uid, one])
  )
  const last = new Map(before?.pods?.map((pod) => [pod.uid, pod]))
  const now = wholeSeconds(look.wallMs)
  const all = [...new Set([...running.keys(), ...whatShouldRun(known)])].map((uid): WitnessedPod => {
    const pod = entry(uid, known.get(uid), running.get(uid), look)
    const was = last.get(pod.uid)
    return { ...pod, since: was?.verdict === pod.verdict && was.reason === pod.reason ? was.since : now }
  })
  const sorted = all.sort((a, b) => badness(a) - badness(b) || compare(a, b))
  return {
    ...look.node,
    observedAt: now,
    mismatches: sorted.filter(({ verdict }) => verdict === 'Mismatch').length,
    podsLeftOut: Math.max(0, sorted.length - mostPods),
    pods: sorted.slice(0, mostPods),
  }
}

/** Whether the two say the same but for when they were seen. */
export const isSame = (one: NodeWitnessStatus | undefined, other: NodeWitnessStatus): boolean =>
  isDeepStrictEqual({ ...one, observedAt: '' }, { ...other, observedAt: '' })

function entry(
  uid: string,
  known: Stored<WitnessPod> | undefined,
  running: Look['running'][number] | undefined,
  { runtimeClasses, node }: Look
): Omit<WitnessedPod, 'since'> {
  const { pod, sighting } = running ?? { sighting: { kind: 'unseen', why: 'it does not run' } as const }
  const asked = known && askedOf(known, runtimeClasses)
  const names = known?.metadata ?? pod
  const { message, ...verdict } = planVerdict({
    asked,
    used: pod?.handler,
    sighting,
    nodeBootId: node.bootID ?? '',
  })
  const runtime = pod && [pod.handler, pod.process?.runtimeType].filter(Boolean).join(' ')
  return {
    // A static Pod's uid is another in the API server.
    uid: known?.metadata.uid ?? uid,
    namespace: names?.namespace ?? '',
    name: names?.name ?? '',
    ...(sighting.kind === 'own-kernel' && { class: sighting.class }),
    ...(sighting.kind === 'node-kernel' && { class: 'shared' as const }),
    ...(asked?.handler && { handler: asked.handler }),
    ...(runtime && { runtime: runtime.slice(0, 256) }),
    ...(sighting.kind !== 'unseen' && { process: processOf(sighting) }),
    ...verdict,
    message: message.slice(0, 512),
  }
}

function processOf({ process }: Exclude<Sighting, { kind: 'unseen' }>): NonNullable<WitnessedPod['process']> {
  const { executable, uid, seccomp, capabilities, ownUserNamespace } = process
  const counting = ownUserNamespace ? [] : capabilities
  return {
    executable: executable.slice(0, 512),
    uid,
    seccomp,
    ...(counting.length > 0 && { capabilities: counting.slice(0, 64) }),
  }
}

function askedOf({ spec }: Stored<WitnessPod>, classes: Look['runtimeClasses']): Asked {
  const name = spec.runtimeClassName
  if (!name) return { handler: '' }
  const found = classes.get(name)
  const promised = promisedClass(name, found)
  return { runtimeClass: name, ...(found && { handler: found.handler }), ...(promised && { promised }) }
}

/** Those that the API server has as running. */
const whatShouldRun = (known: ReadonlyMap<string, Stored<WitnessPod>>): string[] =>
  [...known].flatMap(([uid, { status, metadata }]) =>
    status.phase === 'Running' && !metadata.deletionTimestamp ? [uid] : []
  )

/** The uid by which the node knows a Pod. Of a static one the API server has a mirror, with a uid of its own. */
const runtimeUid = ({ metadata: { uid, annotations } }: Stored<WitnessPod>): string =>
  annotations?.['kubernetes.io/config.mirror'] ?? uid

const badness = ({ verdict }: Pick<WitnessedPod, 'verdict'>): number => witnessVerdicts.indexOf(verdict)
const compare = (a: WitnessedPod, b: WitnessedPod): number =>
  a.namespace < b.namespace ? -1 : a.namespace > b.namespace ? 1 : a.name < b.name ? -1 : a.name > b.name ? 1 : 0
