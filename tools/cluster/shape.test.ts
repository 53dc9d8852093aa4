import { expect, it } from 'vitest'
import { checkShape, defaultShape, describeShape, parseShape, sameShape } from './shape.ts'

it('takes the default, and tells shapes apart', () => {
  expect(checkShape(defaultShape)).toEqual(defaultShape)
  expect(sameShape(defaultShape, { ...defaultShape })).toBe(true)
  expect(sameShape(defaultShape, { ...defaultShape, registry: true })).toBe(false)
  expect(describeShape({ ...defaultShape, fakeNodes: 100 })).toBe('--nodes 3 --fake-nodes 100 --subnet 10.88.0.0/24')
})

it.each([
  ['--nodes', { nodes: 0 }],
  ['--nodes', { nodes: 21 }],
  ['--nodes', { nodes: 1.5 }],
  ['--fake-nodes', { fakeNodes: -1 }],
  ['--fake-nodes', { fakeNodes: Number.NaN }],
  ['--subnet', { subnet: '10.88.0.0/16' }],
  ['--subnet', { subnet: 'home' }],
  ['--subnet', { subnet: '10.96.3.0/24' }],
  ['--subnet', { subnet: '10.244.0.0/24' }],
])('refuses a wrong %s: %j', (option, wrong) => {
  expect(() => checkShape({ ...defaultShape, ...wrong })).toThrow(
    expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(option) })
  )
})

it('is read from the command line', () => {
  expect(parseShape([])).toEqual(defaultShape)
  expect(parseShape(['--nodes=2', '--fake-nodes', '5', '--registry'])).toEqual({
    ...defaultShape,
    nodes: 2,
    fakeNodes: 5,
    registry: true,
  })
})

it.each([[['--nodes=two']], [['--nodes=']], [['--nodse=2']], [['extra']], [['--nodes']]])('refuses %j', (args) => {
  expect(() => parseShape(args)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})
