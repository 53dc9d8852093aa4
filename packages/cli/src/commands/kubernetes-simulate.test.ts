import { simulate } from '@bulkhead/kubernetes/domains'
import { describe, expect, it } from 'vitest'
import { simulationRows, simulationText } from '../output/simulation.ts'
import { type SimulateOptions, settingsOf } from './kubernetes-simulate.ts'

describe('the numbers of a simulation', () => {
  it.each<[string, SimulateOptions]>([
    ['--nodes', { nodes: 'many' }],
    ['--nodes', { nodes: '0' }],
    ['--nodes', { nodes: '-1' }],
    ['--nodes', { nodes: '1e4' }],
    ['--sandboxes', { sandboxes: '99999999999' }],
    ['--tenants', { tenants: '30', sandboxes: '20' }],
    ['--shard-size', { shardSize: '5', nodes: '4' }],
    ['--tenants-per-node', { tenantsPerNode: '0' }],
  ])('are refused when they cannot be, naming %s: %j', (field, options) => {
    expect(() => settingsOf(options)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    expect(() => settingsOf(options)).toThrow(field)
  })

  it('have defaults, which follow those given', () => {
    expect(settingsOf({})).toMatchObject({ nodes: 10_000, sandboxes: 1_000_000, tenants: 5_000, capacity: 150 })
    expect(settingsOf({ nodes: '100', sandboxes: '10000' })).toMatchObject({
      nodes: 100,
      capacity: 150,
      tenantsPerNode: 150,
    })
  })
})

describe('what a simulation found', () => {
  const result = simulate(settingsOf({ nodes: '30', sandboxes: '300', tenants: '20' }))

  it('is a line for each strategy and event, for programs', () => {
    const lines = simulationRows(result).trimEnd().split('\n')
    expect(new Set(lines.map((line) => line.split('\t').length))).toEqual(new Set([6]))
    const perStrategy = result.strategies[0]?.curve.length as number
    expect(lines).toHaveLength(5 * (2 * perStrategy + 2))
  })

  it('is read by people', () => {
    const text = simulationText(result)
    for (const { strategy } of result.strategies) expect(text).toContain(strategy)
    expect(text).not.toMatch(/NaN|undefined/)
  })
})
