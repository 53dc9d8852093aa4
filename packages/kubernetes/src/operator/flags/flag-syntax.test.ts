import { describe, expect, it } from 'vitest'
import { parseFlags } from './flag-syntax.ts'
import { bindAddress, boolean, duration, float, integer, text } from './go-values.ts'

const table = {
  elect: { kind: boolean, default: true, help: '' },
  workers: { kind: integer, default: 1, help: '', problem: (n: number) => (n < 1 ? 'must be at least 1' : undefined) },
  qps: { kind: float, default: 0, help: '' },
  grace: { kind: duration, default: 0, help: '' },
  domain: { kind: text, default: 'cluster.local', help: '' },
}
const parse = (...args: string[]) => parseFlags(table, args, ['webhook-'])

describe('parseFlags', () => {
  it('has the defaults', () => {
    expect(parse()).toEqual({ elect: true, workers: 1, qps: 0, grace: 0, domain: 'cluster.local' })
  })
  it.each<[string[], object]>([
    [['--workers=3'], { workers: 3 }],
    [['-workers=3'], { workers: 3 }],
    [['-workers', '3'], { workers: 3 }],
    [['--qps', '-1.000000'], { qps: -1 }],
    [['--qps=-1.000000'], { qps: -1 }],
    [['--elect=false', '--elect'], { elect: true }],
    [['-elect=F'], { elect: false }],
    [['--elect', '--workers=2'], { elect: true, workers: 2 }],
    [['--domain='], { domain: '' }],
    [['--domain=a=b'], { domain: 'a=b' }],
    [['--domain', '--odd'], { domain: '--odd' }],
    [['--grace=1h2m3s'], { grace: 3_723_000 }],
    [['--workers=1', '--workers=2'], { workers: 2 }],
    [['--workers=2', '--'], { workers: 2 }],
    [['--webhook-port', '9443', '--webhook-x=y', '--webhook-on', '--workers=2'], { workers: 2 }],
  ])('reads %j', (args, expected) => {
    expect(parse(...args)).toMatchObject(expected)
  })
  it.each<[string[], string]>([
    [['--bogus'], '--bogus: there is no such flag'],
    [['--toString=1'], '--toString: there is no such flag'],
    [['--workers'], '--workers: needs a value (int)'],
    [['--workers=many'], '--workers: "many" is not of the kind int'],
    [['--workers=0'], '--workers: must be at least 1'],
    [['--elect', 'false'], 'false: is not a flag; a boolean is set as in --leader-elect=false'],
    [['---workers=1'], '---workers=1: is not a flag'],
    [['--', 'more'], '--: is not a flag'],
    [['--=1'], '--=1: is not a flag'],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message)
  })
})

describe('values as Go writes them', () => {
  it.each<[string, number | undefined]>([
    ['5m', 300_000],
    ['1h2m3s', 3_723_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['-1m30s', -90_000],
    ['100ms', 100],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['250μs', 0.25],
    ['0', 0],
    ['0s', 0],
    ['', undefined],
    ['5', undefined],
    ['5 m', undefined],
    ['m', undefined],
    ['5mm', undefined],
    ['1d', undefined],
  ])('duration %j', (value, ms) => {
    expect(duration.parse(value)).toBe(ms)
    if (ms !== undefined) expect(duration.parse(duration.format(ms))).toBe(ms)
  })
  it.each<[string, number | undefined]>([
    ['12', 12],
    ['+12', 12],
    ['-12', -12],
    ['0x10', 16],
    ['1.5', undefined],
    ['', undefined],
    ['1e3', undefined],
    ['99999999999999999999', undefined],
  ])('integer %j', (value, number) => {
    expect(integer.parse(value)).toBe(number)
  })
  it.each<[string, number | undefined]>([
    ['-1.000000', -1],
    ['20', 20],
    ['1e3', 1000],
    ['.5', 0.5],
    ['5.', 5],
    ['NaN', undefined],
    ['', undefined],
    ['1,5', undefined],
  ])('float %j', (value, number) => {
    expect(float.parse(value)).toBe(number)
  })
  it.each<[string, object | string | undefined]>([
    [':8080', { host: undefined, port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:9', { host: '::1', port: 9 }],
    ['localhost:9', { host: 'localhost', port: 9 }],
    ['0', 'none'],
    ['', 'none'],
    ['8080', undefined],
    [':99999', undefined],
    ['::1:9', undefined],
  ])('address %j', (value, address) => {
    expect(bindAddress.parse(value)).toEqual(address)
    const parsed = bindAddress.parse(value)
    if (parsed) expect(bindAddress.parse(bindAddress.format(parsed))).toEqual(parsed)
  })
})
