import { isIPv4 } from 'node:net'
import { type Refusal, refusals } from './refusal.ts'
import type { Wish } from './wish.ts'

/** What the cluster's objects say of a Sandbox that clients may reach. */
export interface KnownSandbox {
  /** Of its Pod, in their one written form; none: it has no Pod that runs. */
  readonly addresses: readonly string[]
}

export interface Target {
  /** An address or a DNS name. */
  readonly host: string
}

/** `settled`: what is known is enough; else more may be known in a moment, and this is what holds when it is not. */
export interface TargetPlan {
  readonly outcome: Target | Refusal
  readonly settled: boolean
}

/**
 * Where a request goes. The Sandbox's name decides, and what the client believes to be the Pod's address only chooses between addresses the Pod has:
 * one that has become stale, perhaps another Pod's by now, is never used; nor is the name of its Service, which may stand for whatever those who edit
 * Services like. `blind`: the cluster's objects are not known at all; then that name is all there is.
 */
export function planTarget(known: KnownSandbox | undefined | 'blind', wish: Wish, clusterDomain: string): TargetPlan {
  if (known === 'blind')
    return { outcome: { host: `${wish.sandbox}.${wish.namespace}.svc.${clusterDomain}` }, settled: true }
  if (!known) {
    return { outcome: wish.address ? refusals.addressInvalid : refusals.unreachable(wish.sandbox), settled: false }
  }
  const { addresses } = known
  const host = addresses.find((address) => address === wish.address) ?? addresses.find(isIPv4) ?? addresses[0]
  return host ? { outcome: { host }, settled: true } : { outcome: refusals.unreachable(wish.sandbox), settled: false }
}

export const isTarget = (outcome: Target | Refusal): outcome is Target => 'host' in outcome
