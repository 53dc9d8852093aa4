import { describe, expect, it } from 'vitest'
import { label, type Sandbox } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { type PoolObservation, type PoolPlan, planPool } from './plan-pool.ts'
import {
  condition,
  type MemberOptions,
  memberOf,
  notReady,
  poolOf,
  ready,
  refusedByNodes,
  startMs,
  templateOf,
} from './testing/warm-pool-objects.ts'

const minutes = 60_000

const observed = (given: Partial<PoolObservation> = {}): PoolObservation => ({
  pool: poolOf(),
  template: templateOf(),
  labelled: [],
  sharesLabel: false,
  isReserved: () => false,
  isUncertain: false,
  replaceInMs: () => 0,
  wallMs: startMs,
  atWorkMs: 60 * minutes,
  graceMs: 5 * minutes,
  recheckMs: 1 * minutes,
  ...given,
})

/** A plan in a form that is easily compared. */
const told = ({ adopt, remove, missing, stuck, againMs }: PoolPlan) => ({
  ...(adopt.length > 0 && { adopt: names(adopt) }),
  ...(remove.length > 0 && { remove: remove.map(({ sandbox, reason }) => `${sandbox.metadata.name} ${reason}`) }),
  missing,
  ...(stuck.length > 0 && { stuck: names(stuck) }),
  ...(againMs !== undefined && { againMs }),
})
const names = (sandboxes: readonly Stored<Sandbox>[]) => sandboxes.map(({ metadata }) => metadata.name)
const plan = (given: Partial<PoolObservation> = {}) => told(planPool(observed(given)))

const members = (given: Record<string, MemberOptions>): Stored<Sandbox>[] =>
  Object.entries(given).map(([name, options]) => memberOf(name, options))
const readyOnes = (...of: string[]) => members(Object.fromEntries(of.map((name) => [name, { conditions: ready }])))

const ownerless = (sandbox: Stored<Sandbox>): Stored<Sandbox> => ({
  ...sandbox,
  metadata: { ...sandbox.metadata, ownerReferences: [] },
})

describe('too few and too many', () => {
  it.each<[string, Partial<PoolObservation>, object]>([
    ['none yet', {}, { missing: 3 }],
    ['as many as wanted', { labelled: readyOnes('a', 'b', 'c') }, { missing: 0 }],
    ['the API server’s default', { pool: poolOf({ replicas: undefined } as object) }, { missing: 1 }],
    ['one that is on its way out holds its place', { labelled: members({ a: { deleting: true } }) }, { missing: 2 }],
    ['zero wanted', { pool: poolOf({ replicas: 0 }), labelled: readyOnes('a') }, { remove: ['a surplus'], missing: 0 }],
    ['own writes not seen yet', { isUncertain: true }, { missing: undefined }],
    [
      'own writes not seen yet, too many',
      { isUncertain: true, labelled: readyOnes('a', 'b', 'c', 'd') },
      { missing: undefined },
    ],
    ['no template', { template: undefined }, { missing: undefined }],
    [
      'no template, too many',
      { template: undefined, labelled: readyOnes('a', 'b', 'c', 'd') },
      { remove: ['d surplus'], missing: undefined },
    ],
  ])('%s', (_, given, expected) => {
    expect(plan(given)).toEqual(expected)
  })

  it('takes away un-Ready ones first, then the newest', () => {
    const labelled = members({
      old: { conditions: ready, ageMs: 3000 },
      young: { conditions: ready, ageMs: 1000 },
      middle: { conditions: ready, ageMs: 2000 },
      'un-Ready': { conditions: notReady, ageMs: 4000 },
      'un-Ready and new': { ageMs: 1000 },
    })
    const removed = [4, 3, 2, 1, 0].map(
      (replicas) => planPool(observed({ pool: poolOf({ replicas }), labelled })).remove.at(-1)?.sandbox.metadata.name
    )
    expect(removed).toEqual(['un-Ready and new', 'un-Ready', 'young', 'middle', 'old'])
  })

  it('does not take away what a claim is about to take', () => {
    const labelled = readyOnes('a', 'b', 'c', 'd', 'e')
    const isReserved = ({ metadata }: Stored<Sandbox>) => ['d', 'e'].includes(metadata.name)
    expect(plan({ labelled, isReserved })).toMatchObject({ remove: ['c surplus', 'b surplus'] })
    // It may not take it after all, and nothing tells of that.
    expect(plan({ labelled, isReserved: () => true })).toEqual({ missing: 0, againMs: 5_000 })
  })
})

describe('who is a member', () => {
  it('is told by the owner’s uid', () => {
    const foreign = memberOf('a', { pool: { ...poolOf(), metadata: { ...poolOf().metadata, uid: 'before' } } })
    expect(plan({ labelled: [foreign] })).toEqual({ missing: 3 })
  })

  it('may be an ownerless one that is what the template makes', () => {
    expect(plan({ labelled: [ownerless(memberOf('a'))] })).toEqual({ adopt: ['a'], missing: 2 })
  })

  it('is no ownerless one that is something else, even if its hash says otherwise', () => {
    const other = ownerless({ ...memberOf('a'), spec: memberOf('a', { template: templateOf({ service: true }) }).spec })
    expect(plan({ labelled: [other] })).toEqual({ remove: ['a ownerless'], missing: 3 })
    const { labels } = other.metadata
    const unlabelled = {
      ...memberOf('b').metadata,
      labels: { [label.warmPoolSandbox]: labels?.[label.warmPoolSandbox] ?? '' },
    }
    expect(plan({ labelled: [ownerless({ ...memberOf('b'), metadata: unlabelled })] })).toMatchObject({
      remove: ['b ownerless'],
    })
  })

  it('cannot be told of ownerless ones without a template, nor of those that are another pool’s by the same label', () => {
    const other = ownerless(memberOf('a', { template: templateOf({ service: true }) }))
    expect(plan({ labelled: [other], template: undefined })).toEqual({ missing: undefined })
    expect(plan({ labelled: [other], sharesLabel: true })).toEqual({ missing: 3 })
  })
})

describe('a changed template', () => {
  const labelled = readyOnes('a', 'b')
  const changed = templateOf({ service: true })
  const recreate = poolOf({ updateStrategy: { type: 'Recreate' } })

  it.each<[string, Partial<PoolObservation>, object]>([
    ['Recreate', { pool: recreate, template: changed }, { remove: ['a stale', 'b stale'], missing: 1 }],
    [
      'Recreate, another template',
      { pool: recreate, template: templateOf({}, 'other') },
      { remove: ['a stale', 'b stale'] },
    ],
    ['Recreate, not changed', { pool: recreate }, { missing: 1 }],
    ['Recreate, no template', { pool: recreate, template: undefined }, { missing: undefined }],
    ['OnReplenish', { pool: poolOf({ updateStrategy: { type: 'OnReplenish' } }), template: changed }, { missing: 1 }],
    ['by default', { template: changed }, { missing: 1 }],
    [
      'Recreate, but a claim is about to take it',
      { pool: recreate, template: changed, isReserved: ({ metadata }) => metadata.name === 'a' },
      { remove: ['b stale'], againMs: 5_000 },
    ],
  ])('%s', (_, given, expected) => {
    expect(plan({ labelled, ...given })).toMatchObject(expected)
  })
})

describe('members that are not Ready', () => {
  const one = poolOf({ replicas: 1 })

  it.each<[string, MemberOptions, Partial<PoolObservation>, object]>([
    ['young', { ageMs: 2 * minutes }, {}, { missing: 0, againMs: 3 * minutes }],
    ['old', { ageMs: 5 * minutes }, {}, { remove: ['a overdue'], missing: 0 }],
    ['old and Ready', { ageMs: 5 * minutes, conditions: ready }, {}, { missing: 0 }],
    // While nobody was at work nobody wrote who is Ready.
    [
      'old, at the start of the operator',
      { ageMs: 60 * minutes },
      { atWorkMs: 1 * minutes },
      { missing: 0, againMs: 4 * minutes },
    ],
    ['from the future, by another’s clock', { ageMs: -5_000 }, {}, { missing: 0, againMs: 5 * minutes }],
    [
      'refused by all nodes, young',
      { ageMs: 1 * minutes, conditions: refusedByNodes },
      {},
      { missing: 0, againMs: 4 * minutes },
    ],
    [
      'refused by all nodes, old',
      { ageMs: 60 * minutes, conditions: refusedByNodes },
      {},
      { missing: 0, stuck: ['a'], againMs: 1 * minutes },
    ],
    [
      'old, but taken by a node only now',
      {
        ageMs: 60 * minutes,
        conditions: [...notReady, condition('PodScheduled', 'True', 'PodScheduled', { atMs: startMs - 1 * minutes })],
      },
      {},
      { missing: 0, againMs: 4 * minutes },
    ],
    [
      'old, but a claim is about to take it',
      { ageMs: 5 * minutes },
      { isReserved: () => true },
      { missing: 0, againMs: 5_000 },
    ],
  ])('%s', (_, options, given, expected) => {
    expect(plan({ pool: one, labelled: members({ a: options }), ...given })).toEqual(expected)
  })
})

describe('members whose Pods have ended', () => {
  const one = poolOf({ replicas: 1 })
  const ended = (afterMs: number) => [
    condition('Ready', 'False', 'PodFailed', { atMs: startMs - 30 * minutes + afterMs }),
    condition('Finished', 'True', 'PodFailed', { atMs: startMs - 30 * minutes + afterMs }),
  ]
  const endedAfter = (afterMs: number) => members({ a: { ageMs: 30 * minutes, conditions: ended(afterMs) } })

  it.each<[string, Partial<PoolObservation>, object]>([
    ['at once', { labelled: endedAfter(1_000) }, { remove: ['a ended'], missing: 0 }],
    [
      'at once, told by Ready alone',
      { labelled: members({ a: { conditions: [condition('Ready', 'False', 'PodSucceeded')] } }) },
      { remove: ['a ended'], missing: 0 },
    ],
    [
      'not before their time',
      { labelled: endedAfter(1_000), replaceInMs: () => 10_000 },
      { missing: 0, againMs: 10_000 },
    ],
    [
      'even if a claim is about to take them',
      { labelled: endedAfter(1_000), isReserved: () => true },
      { remove: ['a ended'] },
    ],
    [
      'as any other when there are too many',
      { pool: poolOf({ replicas: 0 }), labelled: endedAfter(1_000), replaceInMs: () => 10_000 },
      { remove: ['a surplus'] },
    ],
  ])('are replaced %s', (_, given, expected) => {
    expect(plan({ pool: one, ...given })).toMatchObject(expected)
  })
})

it.each<[string, object]>([
  ['no spec', { spec: undefined }],
  ['a spec of something else', { spec: { podTemplate: 'x', volumeClaimTemplates: { a: 1 } } }],
  ['lists with holes', { spec: { volumeClaimTemplates: [null] }, status: { conditions: [null] } }],
  ['conditions that are no list', { status: { conditions: 'Ready' } }],
])('is not stopped by Sandboxes past the schema: %s', (_, malformed) => {
  const pool = poolOf({ replicas: 2, updateStrategy: { type: 'Recreate' } })
  const relabelled = (name: string) => {
    const { metadata, ...rest } = memberOf(name)
    const labels = { ...metadata.labels, [label.sandboxTemplateHash]: 'another' }
    return { ...rest, ...malformed, metadata: { ...metadata, labels } } as Stored<Sandbox>
  }
  expect(() => plan({ pool, labelled: [relabelled('a'), ownerless(relabelled('b'))] })).not.toThrow()
})
