import { expect, it } from 'vitest'
import { parseEnvironment, planProcess, planSandbox } from './plan.ts'

const refused = (field: string) =>
  expect.objectContaining({ code: 'invalid_request', facts: expect.objectContaining({ field }) })

it('asks for nothing that was not said', () => {
  expect(planSandbox({})).toEqual({})
  expect(planProcess(['true'], {}, {})).toEqual({
    command: ['true'],
    env: {},
    workdir: undefined,
    user: undefined,
    timeoutMs: undefined,
    tty: false,
  })
})

it('puts sizes, counts and names into the terms of the control API', () => {
  expect(
    planSandbox({ memory: '1G', disk: '2.5G', cpus: '2', image: 'a/b:c', runtime: 'qemu', isolation: 'emulated' })
  ).toEqual({
    memoryBytes: 2 ** 30,
    diskBytes: 2.5 * 2 ** 30,
    cpus: 2,
    image: 'a/b:c',
    runtime: 'qemu',
    isolation: 'emulated',
  })
  expect(planProcess(['a', '-b'], { timeout: '1.5m', workdir: '/w', user: '0', tty: true }, {})).toMatchObject({
    command: ['a', '-b'],
    timeoutMs: 90_000,
    workdir: '/w',
    user: '0',
    tty: true,
  })
})

it.each([
  ['command', () => planProcess([], {}, {})],
  ['command', () => planProcess([''], {}, {})],
  ['command', () => planProcess(['a', 'b\0c'], {}, {})],
  ['--json', () => planProcess(['a'], { json: true, tty: true }, {})],
  ['--timeout', () => planProcess(['a'], { timeout: '0' }, {})],
  ['--timeout', () => planProcess(['a'], { timeout: '60d' }, {})],
  ['--workdir', () => planProcess(['a'], { workdir: '' }, {})],
  ['--env', () => planProcess(['a'], { env: ['=x'] }, {})],
  ['--env', () => planProcess(['a'], { env: ['A=\0'] }, {})],
  ['--cpus', () => planSandbox({ cpus: '1.5' })],
  ['--cpus', () => planSandbox({ cpus: '65' })],
  ['--image', () => planSandbox({ image: '' })],
])('names %s in what it refuses', (field, plan) => expect(plan).toThrow(refused(field)))

it('sets and passes on variables as container tools do; the last one wins', () => {
  expect(parseEnvironment(['A=1', 'B=x=y', 'C=', 'HERE', 'GONE', 'A=2'], { HERE: 'h' })).toEqual({
    A: '2',
    B: 'x=y',
    C: '',
    HERE: 'h',
  })
})
