import { describe, expect, it } from 'vitest'
import { label, type Sandbox } from '../api/index.ts'
import { objectKey, type Stored } from '../controller/index.ts'
import { MemberQueue, type Verdict } from './member-queue.ts'
import { poolIdOf } from './member-state.ts'
import { aClaim, aMember, aPool, condition, ownSandbox } from './testing/objects.ts'

const pool = poolIdOf(aPool())
const on = (nodeName: string) => ({ status: { nodeName } })
const starting = (nodeName?: string) => ({
  status: { conditions: [condition('Ready', 'False', 'DependenciesNotReady')], ...(nodeName && { nodeName }) },
})
const pending = { status: { conditions: [], podIPs: [] } }
const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` })
const takeAll = (): Verdict => 'take'

/** A queue over these Sandboxes, which can be changed. */
function queueOf(...sandboxes: Stored<Sandbox>[]) {
  const world = new Map(sandboxes.map((sandbox) => [objectKey(sandbox), sandbox]))
  const queue = new MemberQueue({ get: (key) => world.get(key), wall: () => Date.parse('2026-01-01T00:00:00Z') })
  const put = (sandbox: Stored<Sandbox>) => {
    world.set(objectKey(sandbox), sandbox)
    return queue.refresh(objectKey(sandbox))
  }
  for (const key of world.keys()) queue.refresh(key)
  const take = (judge: (sandbox: Stored<Sandbox>) => Verdict = takeAll, of = pool) => {
    const choice = queue.take(of, judge)
    return choice.kind === 'member' ? choice.sandbox.metadata.name : choice.kind
  }
  return { queue, world, put, take, takeUntilNone: () => [...until(() => take())] }
}

function* until(take: () => string) {
  for (let name = take(); name !== 'none'; name = take()) yield name
}

describe('the members that claims can take', () => {
  it('go in order of creation, then of name, whatever order they came in', () => {
    const { takeUntilNone } = queueOf(
      aMember('c', at(1)),
      aMember('d', at(0)),
      aMember('a', at(1)),
      aMember('b', at(2))
    )
    expect(takeUntilNone()).toEqual(['d', 'a', 'c', 'b'])
  })

  it('go from the node with most of them; without a node last', () => {
    const { takeUntilNone } = queueOf(
      aMember('none-1', at(0)),
      aMember('none-2', at(0)),
      aMember('none-3', at(0)),
      aMember('none-4', at(0)),
      aMember('few-1', at(1), on('few')),
      aMember('many-1', at(2), on('many')),
      aMember('many-2', at(3), on('many')),
      aMember('many-3', at(4), on('many'))
    )
    expect(takeUntilNone()).toEqual([
      ...['many-1', 'many-2', 'few-1', 'many-3'],
      ...['none-1', 'none-2', 'none-3', 'none-4'],
    ])
  })

  it('go Ready before un-Ready, even from the node with fewest', () => {
    const { takeUntilNone } = queueOf(
      aMember('s-1', at(0), starting('many')),
      aMember('s-2', at(0), starting('many')),
      aMember('ready', at(5), on('few'))
    )
    expect(takeUntilNone()).toEqual(['ready', 's-1', 's-2'])
  })

  it('are waited for while they have no address', () => {
    const { queue, put, take } = queueOf(aMember('a', at(0), pending))
    expect([take(), queue.available(pool)]).toEqual(['pending', 0])
    expect(put(aMember('a', at(0), starting()))).toBe(pool)
    expect(queue.available(pool)).toBe(1)
    expect(put(aMember('a', at(0)))).toBeUndefined()
    expect(take()).toBe('a')
    expect(queue.available(pool)).toBe(0)
  })

  it.each<[string, Stored<Sandbox>]>([
    ['of another pool', aMember('a', {}, { pool: aPool('other') })],
    [
      'of a pool of this name that is gone',
      aMember('a', {}, { pool: { ...aPool(), metadata: { ...aPool().metadata, uid: 'old' } } }),
    ],
    ['of another namespace that say they are', aMember('a', { namespace: 'other' })],
    ['claimed', ownSandbox(aClaim(), 'a', 'warm')],
    ['being deleted', aMember('a', { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['without the pool’s label', aMember('a', { labels: { [label.sandboxTemplateRefHash]: 'x' } })],
    ['without the template’s label', aMember('a', { labels: { [label.warmPoolSandbox]: 'x' } })],
    ['finished', aMember('a', {}, { status: { conditions: [condition('Finished', 'True', 'PodSucceeded')] } })],
    ['failed', aMember('a', {}, { status: { conditions: [condition('Ready', 'False', 'PodFailed')] } })],
    ['expired', aMember('a', {}, { spec: { shutdownTime: '2026-01-01T00:00:00Z' } })],
    ['without a spec', { ...aMember('a'), spec: undefined } as unknown as Stored<Sandbox>],
    ['suspended', aMember('a', {}, { spec: { operatingMode: 'Suspended' } })],
  ])('are not those %s', (_, sandbox) => {
    expect(queueOf(sandbox).take()).toBe('none')
  })

  it('are not those that are gone, or that this process has just given away, before the watch tells', () => {
    const { world, take } = queueOf(aMember('a'), aMember('b'))
    world.delete('default/a')
    world.set('default/b', ownSandbox(aClaim(), 'b', 'warm'))
    expect(take()).toBe('none')
  })

  it('are given to one at a time, and back', () => {
    const { queue, put, take } = queueOf(aMember('a'))
    expect([take(), take()]).toEqual(['a', 'none'])
    // The watch tells of it meanwhile.
    put(aMember('a', { resourceVersion: '2' }))
    expect(take()).toBe('none')
    expect(queue.release('default/a')).toBe(pool)
    expect(take()).toBe('a')
  })

  it('are passed over for one claim and stay for others', () => {
    const { take } = queueOf(aMember('a'), aMember('b'))
    expect(take(({ metadata }) => (metadata.name === 'a' ? 'skip' : 'take'))).toBe('b')
    expect(take(() => 'skip')).toBe('none')
    expect(take(() => 'wait')).toBe('pending')
    expect(take()).toBe('a')
  })

  it('are found in no time among thousands', () => {
    const many = Array.from({ length: 5_000 }, (_, n) => aMember(`m-${n}`, {}, on(`node-${n % 100}`)))
    const { take, queue } = queueOf(...many)
    let judged = 0
    const counted = (): Verdict => {
      judged += 1
      return 'take'
    }
    for (let n = 0; n < 1_000; n++) take(counted)
    expect(judged).toBe(1_000)
    expect(queue.available(pool)).toBe(4_000)
  })
})
