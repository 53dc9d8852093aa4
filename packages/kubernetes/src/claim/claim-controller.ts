import { Controller, objectKey } from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { type AllowedLabelDomains, labelDomainsOf } from './allowed-label-domains.ts'
import { Arrivals } from './arrivals.ts'
import type { ClaimWork } from './claim-work.ts'
import { inOrderOfCreation } from './in-order-of-creation.ts'
import { MemberQueue } from './member-queue.ts'
import { reconcileClaim } from './reconcile-claim.ts'
import type { IsStale } from './stale-member.ts'
import { WaitingLine } from './waiting-line.ts'
import { ofClaim, ofPool, ofSandbox, ofTemplate } from './wake-claims.ts'

export interface ClaimControllerOptions {
  readonly isStale: IsStale
  /** Default: those of the mounted ConfigMap. */
  readonly allowedLabelDomains?: AllowedLabelDomains
}

/** A failed pass keeps somebody waiting; and an expiry must not be missed by more than a minute. */
const backoff = { baseMs: 10, maxMs: 60_000 }
const retryRate = { perSecond: 100, burst: 200 }

/** Gives each claim its Sandbox: from the pool, or made for it. */
export function claimController(context: OperatorContext, options: ClaimControllerOptions): Controller {
  const { caches, clock, settings } = context
  const { isStale, allowedLabelDomains = labelDomainsOf() } = options
  const line = new WaitingLine()
  const members = new MemberQueue({ get: (key) => caches.sandboxes.store.get(key), wall: () => clock.wall() })
  const arrivals = new Arrivals(clock)
  const work: ClaimWork = {
    context,
    members,
    line,
    arrivals,
    isStale,
    allowedLabelDomains,
    failures: (key) => controller.queue.failures(key),
    wakeWaiting: (pool) => {
      for (const key of line.first(pool, members.available(pool))) controller.queue.add(key, 'urgent')
    },
  }
  const controller = new Controller({
    ...context.controllerOptions('sandboxclaim'),
    workers: settings.claimWorkers,
    backoff,
    retryRate,
    reconcile: (key, signal) => reconcileClaim(work, key, signal),
  })
  return (
    controller
      .watch(inOrderOfCreation(caches.claims, context.log), (change) => {
        if (change.type !== 'deleted') arrivals.of(change.object)
        return ofClaim(caches, change)
      })
      .watch(caches.sandboxes, (change) => {
        const pool = members.refresh(objectKey(change.object))
        if (pool) work.wakeWaiting(pool)
        return ofSandbox(caches, change)
      })
      .watch(caches.pools, (change) => ofPool(caches, change))
      .watch(caches.templates, (change) => ofTemplate(caches, change))
      // Read by passes: they begin when these are there.
      .watch(caches.pods, () => [])
      .watch(caches.networkPolicies, () => [])
  )
}
