import { annotation, nameHash, quarantineLabel, sandboxes } from '../api/index.ts'
import { controllerReference, isAlreadyExists, isControlledBy, keyOf, pods, type Stored } from '../controller/index.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import { conditionOf } from './conditions-of.ts'
import { narrowServicesOfOthers } from './narrow-services.ts'
import { decideOwnership } from './ownership.ts'
import { OvertakenError } from './pass-errors.ts'
import { placePod } from './place-pod.ts'
import { endOf, isSuspended, type PodState } from './plan-status.ts'
import { podMetadataDrift } from './pod-metadata.ts'
import { change, ownedPods, ownerAdded, read, remove, type SandboxPass } from './sandbox-pass.ts'
import { message } from './wording.ts'

const longestPodName = 253
/** Nobody tells when a Pod that is not in the cache goes away. */
const foreignPodRecheckMs = 30_000

/** Brings the Pod in line: made, kept in step, or ended. */
export async function ensurePod(pass: SandboxPass): Promise<PodState> {
  const owned = ownedPods(pass)
  if (owned.length > 1) return { kind: 'several', count: owned.length }
  if (isSuspended(pass.sandbox)) return suspend(pass, owned[0])
  const pod = owned[0] ?? (await annotatedPod(pass)) ?? cachedPodNamed(pass, pass.sandbox.metadata.name)
  return pod ? use(pass, pod) : make(pass)
}

/** What the annotation names, when that is not the Sandbox's own name: it can be a Pod without our label, which is not in the cache. */
async function annotatedPod(pass: SandboxPass): Promise<Stored<CachedPod> | undefined> {
  const { namespace, name, annotations } = pass.sandbox.metadata
  const named = annotations?.[annotation.podName]
  if (!named || named === name) return undefined
  return cachedPodNamed(pass, named) ?? (await read(pass, pass.context.caches.pods.type, { namespace, name: named }))
}

function cachedPodNamed({ context, sandbox }: SandboxPass, name: string): Stored<CachedPod> | undefined {
  return context.caches.pods.store.get(keyOf({ namespace: sandbox.metadata.namespace, name }))
}

async function use(pass: SandboxPass, pod: Stored<CachedPod>): Promise<PodState> {
  const { context, sandbox } = pass
  const ownership = decideOwnership(pod, sandbox)
  if (ownership.kind === 'refuse') return { kind: 'foreign', error: ownership.error }
  const drift = podMetadataDrift(pod, sandbox)
  if (ownership.kind === 'adopt') {
    const metadata = { ...drift, ...ownerAdded(pod, controllerReference(sandboxes, sandbox)) }
    return { kind: 'owned', pod: await change(pass, context.caches.pods, pod, { metadata }) }
  }
  const stays = pod.metadata.deletionTimestamp !== undefined || endOf(pod) !== undefined
  if (!drift || stays) return { kind: 'owned', pod }
  return { kind: 'owned', pod: await change(pass, context.caches.pods, pod, { metadata: drift }) }
}

async function make(pass: SandboxPass, name = pass.sandbox.metadata.name): Promise<PodState> {
  const { context, sandbox, call } = pass
  await narrowServicesOfOthers(pass)
  try {
    const pod = placePod(sandbox, context)
    const made = await context.client.create(pods, { ...pod, metadata: { ...pod.metadata, name } }, call)
    const cached = made as Stored<CachedPod>
    context.caches.pods.store.wrote(cached)
    return { kind: 'owned', pod: cached }
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  const { namespace } = sandbox.metadata
  const inTheWay = await read(pass, context.caches.pods.type, { namespace, name })
  if (!inTheWay) throw new OvertakenError(`Pod "${name}" is gone`)
  const other = nameBeside(inTheWay)
  return other ? make(pass, other) : use(pass, inTheWay)
}

/** The name of the Pod that serves while the one that has the name is in quarantine. Always the same, so that a pass that was cut short finds what it made. */
function nameBeside({ metadata: { name, uid, labels } }: Stored<CachedPod>): string | undefined {
  if (labels?.[quarantineLabel] === undefined) return undefined
  return `${name.slice(0, longestPodName - 10)}-q${nameHash(uid)}`
}

async function suspend(pass: SandboxPass, owned: Stored<CachedPod> | undefined): Promise<PodState> {
  const { context, sandbox } = pass
  const pod = owned ?? (await podToSuspend(pass))
  if (!pod) return { kind: 'absent' }
  if (!isControlledBy(pod, sandbox)) {
    pass.lookAgainIn(foreignPodRecheckMs)
    return { kind: 'foreign', error: message.podNotOwned }
  }
  if (pod.metadata.deletionTimestamp) return { kind: 'owned', pod }
  const ending = await remove(pass, context.caches.pods, pod)
  return ending ? { kind: 'owned', pod: ending } : { kind: 'absent' }
}

/** Also one that is not in the cache, until the suspension has been found complete. */
async function podToSuspend(pass: SandboxPass): Promise<Stored<CachedPod> | undefined> {
  const { namespace, name, annotations, generation } = pass.sandbox.metadata
  const podName = annotations?.[annotation.podName] ?? name
  const cached = cachedPodNamed(pass, podName)
  if (cached) return cached
  const suspended = conditionOf(pass.sandbox.status, 'Suspended')
  const isConfirmed = suspended?.status === 'True' && suspended.observedGeneration === generation
  return isConfirmed ? undefined : read(pass, pass.context.caches.pods.type, { namespace, name: podName })
}
