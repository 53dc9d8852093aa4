import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { annotation, label } from '../src/api/index.ts'
import { type ApiClient, ApiError, controllerOf, isNotFound, wholeSeconds } from '../src/controller/index.ts'
import { type Around, startClaimOperator } from './support/claim-operator.ts'
import { type ClaimWorld, openClaimWorld } from './support/claim-world.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { installLooseKinds } from './support/loose-kinds.ts'

const ready = 'DependenciesReady'

/** What can happen at a write, the one of this number. The process dies with it, or gets an error for an answer and lives. */
interface Fault {
  readonly atWrite: number
  readonly carriedOut: boolean
  readonly answer: 'none, and death' | 'InternalError' | 'Conflict'
}

const faults = (atWrite: number): Fault[] => [
  ...[true, false].flatMap((carriedOut) =>
    (['none, and death', 'InternalError'] as const).map((answer) => ({ atWrite, carriedOut, answer }))
  ),
  // Nothing has changed, so no event of a watch brings it back.
  { atWrite, carriedOut: false, answer: 'Conflict' },
]

const told = ({ atWrite, carriedOut, answer }: Fault) => `${answer} ${carriedOut ? 'after' : 'before'} write ${atWrite}`

/** The course of events; it resolves when the outcome is there, whatever happened on the way. */
interface Story {
  readonly prepare: (world: ClaimWorld) => Promise<unknown>
  readonly act: (world: ClaimWorld) => Promise<unknown>
  /** After a death, there is something better to choose: what has been decided must stand. */
  readonly isTempted?: true
}

const stories: Readonly<Record<string, Story>> = {
  'a claim that gets a Ready member': {
    isTempted: true,
    prepare: async (world) => {
      const pool = await world.pool()
      for (const name of ['m-1', 'm-2']) await world.member(pool, name)
    },
    act: async (world) => {
      await world.claim('c')
      await world.untilReason('c', ready)
    },
  },
  'a claim that gets a member which dies before it is Ready': {
    prepare: async (world) => {
      const pool = await world.pool()
      for (const name of ['m-1', 'm-2']) await world.member(pool, name, 'starting')
    },
    act: async (world) => {
      await world.claim('c')
      const { status } = await world.untilReason('c', 'DependenciesNotReady')
      await world.setState('m-2', 'ready')
      expect(status?.sandbox?.name).toBe('m-1')
      await world.setState('m-1', 'failed')
      await world.untilReason('c', ready)
    },
  },
  'a claim that starts from nothing': {
    prepare: (world) => world.pool(),
    act: async (world) => {
      await world.claim('c')
      await world.untilReason('c', 'SandboxNotReady')
      await world.setState('c', 'ready')
      await world.untilReason('c', ready)
    },
  },
  'a claim that expires and stays': {
    prepare: async (world) => {
      await world.member(await world.pool(), 'm-1')
    },
    act: async (world) => {
      await world.claim('c')
      await world.untilReason('c', ready)
      const shutdownTime = wholeSeconds(Date.now() - 1000)
      await world.patchClaim('c', { spec: { lifecycle: { shutdownTime } } })
      await expect.poll(async () => (await world.readClaim('c')).status?.sandbox).toBeUndefined()
    },
  },
  'a claim that expires and goes': {
    prepare: async (world) => {
      await world.member(await world.pool(), 'm-1')
    },
    act: async (world) => {
      await world.claim('c')
      await world.untilReason('c', ready)
      const shutdownTime = wholeSeconds(Date.now() - 1000)
      await world.patchClaim('c', { spec: { lifecycle: { shutdownTime, shutdownPolicy: 'Delete' } } })
      await expect.poll(() => world.readClaim('c').then(() => false, isNotFound)).toBe(true)
    },
  },
}

describe.skipIf(skipped())('at every write of a claim, what went wrong is completed', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
    await installLooseKinds(client)
  })
  afterAll(() => undo.disposeAsync())

  /** Tells the story in a world of its own, with this fault in it. */
  async function tell({ prepare, act, isTempted }: Story, fault?: Fault) {
    const world = await openClaimWorld(client)
    await world.template()
    await prepare(world)
    await using ofStory = new AsyncDisposableStack()
    let writes = 0
    let dead = false
    const died = Promise.withResolvers<void>()
    const around: Around = async (what, send) => {
      if (dead) throw new Error('the process has died')
      if (what.endsWith('events')) return send()
      const failing = fault && writes++ === fault.atWrite
      if (!failing) return send()
      dead = fault.answer === 'none, and death'
      if (fault.carriedOut) await send()
      died.resolve()
      const reason = fault.answer === 'Conflict' ? 'Conflict' : 'InternalError'
      throw new ApiError(what, reason === 'Conflict' ? 409 : 500, { reason, message: 'injected' })
    }
    const first = ofStory.use(await startClaimOperator({ client, namespace: world.namespace, around }))
    await first.idle()
    const heir = died.promise.then(async () => {
      if (!dead || !fault) return first
      if (isTempted && (fault.atWrite > 0 || fault.carriedOut)) await temptations(world)
      return ofStory.use(await startClaimOperator({ client, namespace: world.namespace }))
    })
    await act(world)
    const last = await Promise.race([heir, dead ? heir : first])
    await last.idle()
    if (fault) expect(writes, 'the fault has happened').toBeGreaterThan(fault.atWrite)
    const isEvent = (call: string) => call.endsWith('events')
    return {
      outcome: await outcomeOf(world),
      writes: first.calls.filter((call) => !isEvent(call) && !call.startsWith('get ')).length,
    }
  }

  it.each(Object.keys(stories))('%s', { timeout: 240_000 }, async (name) => {
    const story = stories[name] as Story
    const { outcome, writes } = await tell(story)
    for (let atWrite = 0; atWrite < writes; atWrite++) {
      for (const fault of faults(atWrite)) {
        const { outcome: other } = await tell(story, fault)
        expect(other, told(fault)).toEqual(outcome)
      }
    }
    expect(writes).toBeGreaterThanOrEqual(3)
  })
})

/** Members on a node with more of them than any other: they would be taken first. */
async function temptations(world: ClaimWorld): Promise<void> {
  const pool = await world.readPool('pool')
  for (const name of ['later-1', 'later-2', 'later-3']) await world.member(pool, name, 'ready', 'fuller-node')
}

/** All that matters in the end, without what differs from run to run. */
async function outcomeOf(world: ClaimWorld) {
  const claims = await world.claims()
  const sandboxes = (await world.sandboxes()).filter(({ metadata }) => !metadata.name.startsWith('later-'))
  return {
    claims: claims.map(({ metadata, status }) => ({
      name: metadata.name,
      assigned: metadata.annotations?.[annotation.sandboxName],
      stamps: Object.keys(metadata.annotations ?? {}).toSorted(),
      sandbox: status?.sandbox,
      conditions: status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    })),
    sandboxes: sandboxes.map((sandbox) => {
      const { name, labels, annotations } = sandbox.metadata
      return {
        name,
        owner: controllerOf(sandbox)?.kind,
        labels: Object.keys(labels ?? {}).toSorted(),
        launchType: labels?.[label.launchType],
        annotations,
      }
    }),
  }
}
