import type { IsolationClass } from '@bulkhead/wire'
import type { Sighting } from '@bulkhead/witness/node'
import type { WitnessVerdict } from '../api/index.ts'
import { isWeaker } from './promised-class.ts'

/** Reasons of verdicts: part of the API. */
export const verdictReason = Object.freeze({
  ownKernel: 'OwnKernel',
  nodeKernel: 'NodeKernel',
  handlerDiffers: 'HandlerDiffers',
  weakerThanPromised: 'WeakerThanPromised',
  unconfined: 'Unconfined',
  bootIdOfNode: 'BootIDOfNode',
  runtimeClassMissing: 'RuntimeClassMissing',
  notInApiServer: 'NotInAPIServer',
  notRunning: 'NotRunning',
  notSeen: 'NotSeen',
  /** The operator's: the witness itself is not heard of. */
  witnessSilent: 'WitnessSilent',
})
export type VerdictReason = (typeof verdictReason)[keyof typeof verdictReason]

/** What the API server says a Pod is to run by. */
export interface Asked {
  /** Absent: the Pod names none. */
  readonly runtimeClass?: string
  /** Of that RuntimeClass. Absent although there is a class: the class is gone. Empty: the container runtime's default. */
  readonly handler?: string
  readonly promised?: IsolationClass
}

export interface Witnessed {
  /** Undefined: the API server knows no such Pod. */
  readonly asked: Asked | undefined
  /** The handler that the container runtime used. Undefined: it has no such Pod. */
  readonly used: string | undefined
  readonly sighting: Sighting
  /** What the inside says, when it was asked and has repeated the nonce. */
  readonly inside?: { readonly bootId: string }
  readonly nodeBootId: string
}

export interface Verdict {
  readonly verdict: WitnessVerdict
  readonly reason: VerdictReason
  readonly message: string
}

/** seccomp(2): a filter. */
const filtered = 2

/**
 * Compares what a Pod was promised with what runs it. Pure. What was seen counts before what anybody says; where nothing could be seen the verdict is
 * Unknown, however good all the words are.
 */
export function planVerdict({ asked, used, sighting, inside, nodeBootId }: Witnessed): Verdict {
  const { promised } = asked ?? {}
  if (used === undefined) return is('Unknown', 'notRunning', 'the container runtime of the node does not run it')
  if (!asked) return is('Unknown', 'notInApiServer', 'the API server knows no such Pod')
  if (sighting.kind === 'unseen') return is('Unknown', 'notSeen', sighting.why)
  if (sighting.kind === 'node-kernel') {
    const what = `${shown(sighting.executable)} runs on the node's kernel`
    return promised ? is('Mismatch', 'nodeKernel', `${what}; promised: ${promised}`) : is('Shared', 'nodeKernel', what)
  }
  if (asked.handler === undefined)
    return is('Unknown', 'runtimeClassMissing', `there is no RuntimeClass ${shown(asked.runtimeClass ?? '')} any more`)
  if (asked.handler !== used)
    return is('Mismatch', 'handlerDiffers', `asked for: ${handler(asked.handler)}; used: ${handler(used)}`)
  if (inside?.bootId === nodeBootId) return is('Mismatch', 'bootIdOfNode', "its inside sees the node's boot id")
  // A kernel of its own that is no security boundary is only for those who ask for it by name.
  const least = promised ?? 'userspace'
  if (isWeaker(sighting.class, least))
    return is('Mismatch', 'weakerThanPromised', `seen: ${sighting.class}; promised: ${least}`)
  const lax = laxness(sighting)
  if (lax) return is('Mismatch', 'unconfined', lax)
  return is('Isolated', 'ownKernel', `${shown(sighting.process.executable)} is its kernel`)
}

/** Around a kernel that is a program the node's own kernel is the second wall. A virtual machine monitor's walls are the processor's. */
function laxness({ class: seen, process }: Extract<Sighting, { kind: 'own-kernel' }>): string | undefined {
  if (seen !== 'userspace') return undefined
  if (process.seccomp !== filtered) return `its kernel runs without a seccomp filter (mode ${process.seccomp})`
  if (process.capabilities.length > 0 && !process.ownUserNamespace)
    return `its kernel has capabilities on the node: ${process.capabilities.join(', ')}`
  return undefined
}

const is = (verdict: WitnessVerdict, reason: keyof typeof verdictReason, message: string): Verdict => ({
  verdict,
  reason: verdictReason[reason],
  message,
})

const handler = (name: string): string => (name === '' ? 'the default' : shown(name))
/** From a Pod, so hostile: bounded, and no control characters. */
const shown = (text: string): string => JSON.stringify(text.slice(0, 128))
