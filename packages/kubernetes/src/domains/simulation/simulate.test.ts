import { describe, expect, it } from 'vitest'
import { simulationSettings } from './settings.ts'
import { type StrategyResult, simulate } from './simulate.ts'
import { type StrategyName, strategies, tenantsOf } from './strategies.ts'

const hundred = simulationSettings({ nodes: 100, zones: 3, sandboxes: 10_000, tenants: 500, shardSize: 4, seed: 1 })

describe.each(Object.entries(strategies))('%s', (_name, strategy) => {
  it('puts on no node more than fit, and is the same each time', () => {
    const nodeOf = strategy(hundred)
    const counts = Map.groupBy(nodeOf, (node) => node)
    counts.delete(-1)
    for (const { length } of counts.values()) expect(length).toBeLessThanOrEqual(hundred.capacity)
    expect(strategy(hundred)).toEqual(nodeOf)
  })

  it('leaves waiting what has no room', () => {
    const full = simulationSettings({ ...hundred, capacity: 50 })
    const waiting = strategy(full).filter((node) => node === -1).length
    expect(waiting).toBeGreaterThanOrEqual(5_000)
  })
})

it('gives tenants as many sandboxes each', () => {
  const sizes = [...Map.groupBy(tenantsOf(hundred), (tenant) => tenant).values()].map(({ length }) => length)
  expect(sizes).toEqual(Array(500).fill(20))
})

it('has room for half as much again, unless told otherwise', () => {
  expect(hundred).toMatchObject({ capacity: 150, tenantsPerNode: 30 })
  expect(simulationSettings({ ...hundred, capacity: 100, tenantsPerNode: 7 })).toMatchObject({
    capacity: 100,
    tenantsPerNode: 7,
  })
})

describe('when two nodes of a hundred fall', () => {
  const results = new Map(simulate(hundred).strategies.map((result) => [result.strategy, result]))
  const of = (name: StrategyName) => results.get(name) as StrategyResult
  const two = (name: StrategyName) => of(name).curve.find(({ fallen }) => fallen === 2)

  it('no tenant with a shard of four loses everything, whichever two these are', () => {
    expect(two('sharded, limited')).toMatchObject({
      random: { everything: 0 },
      randomIsExact: true,
      worst: { everything: 0 },
    })
  })

  it('of packed tenants many do', () => {
    expect(two('packed')?.random.everything).toBeGreaterThan(0.01)
    expect(two('packed')?.worst.everything).toBeGreaterThan(two('packed')?.random.everything as number)
  })

  it('of tenants that are everywhere none does, and a third loses something', () => {
    expect(two('least loaded')).toMatchObject({ random: { everything: 0 } })
    expect(two('least loaded')?.random.any).toBeCloseTo(0.36, 1)
  })

  it('a tenant that brings its nodes down reaches nearly all others without shards, and its neighbours with them', () => {
    expect(of('least loaded').poison.mean.any).toBeGreaterThan(0.9)
    expect(of('sharded, limited').poison.mean.any).toBeLessThan(0.2)
  })
})
