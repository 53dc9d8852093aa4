import {
  type ApiClient,
  type Clock,
  Controller,
  done,
  isNotFound,
  type Logger,
  objectKey,
  parseKey,
  pods,
  type ReconcileResult,
  requeueAfter,
  toSelf,
} from '../controller/index.ts'
import type { ClaimWriter } from './claim-writer.ts'
import type { ClusterView } from './cluster-view.ts'
import type { GuestLinks } from './guest-links.ts'
import { planSettlement } from './plan-settlement.ts'
import type { SandboxRecord } from './sandbox-record.ts'
import { podRemoved } from './to-sandbox.ts'

export interface SettlerParts {
  readonly namespace: string
  readonly client: ApiClient
  readonly view: ClusterView
  readonly claims: ClaimWriter
  readonly links: GuestLinks
  readonly keepEndedMs: number
  readonly clock: Clock
  readonly log: Logger
}

const workers = 8
/** Timers hold no more, and a look in between costs nothing. */
const longestMs = 3_600_000

/** Writes down how sandboxes ended that nobody asked to end, and forgets them after a while. Any number of servers may do it. */
export function settler(parts: SettlerParts): Controller {
  const { view, clock, log } = parts
  const controller = new Controller({
    name: 'sandbox-settler',
    clock,
    log,
    workers,
    reconcile: (key) => settle(parts, parseKey(key).name),
  })
  return controller
    .watch(view.claims, toSelf())
    .watch(view.pods, ({ object }) => view.claimsOf(object.metadata.name).map(objectKey))
}

async function settle(parts: SettlerParts, id: string): Promise<ReconcileResult> {
  const { view, claims, links, keepEndedMs, clock } = parts
  const known = view.known(id)
  if (!known) {
    links.close(id, 'the sandbox is gone')
    return done
  }
  const plan = planSettlement(known, clock.wall(), keepEndedMs)
  switch (plan.kind) {
    case 'none':
      return done
    case 'wait':
      return requeueAfter(Math.min(Math.max(plan.untilMs - clock.wall(), 1), longestMs))
    case 'forget':
      await claims.remove(id, known.claim.metadata.uid)
      return done
    case 'end':
      await end(parts, id, plan.ended)
      return done
    case 'findPod': {
      if (await isThere(parts, plan.name, plan.uid)) return requeueAfter(1000)
      await end(parts, id, { state: 'lost', reason: podRemoved, at: new Date(clock.wall()).toISOString() })
      return done
    }
  }
}

async function end(
  { claims, links, clock, log }: SettlerParts,
  id: string,
  ended: NonNullable<SandboxRecord['ended']>
) {
  links.close(id, ended.reason ?? 'it has ended')
  await claims.change(id, (_, record) =>
    record.ended ? undefined : { record: { ...record, ended }, shutdownAtMs: clock.wall() }
  )
  log.info({ sandboxId: id, state: ended.state, reason: ended.reason }, 'sandbox.exit')
}

async function isThere({ client, namespace }: SettlerParts, name: string, uid: string): Promise<boolean> {
  try {
    return (await client.get(pods, { namespace, name })).metadata.uid === uid
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
