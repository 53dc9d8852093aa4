import { expect, it } from 'vitest'
import { parseUsage, usageOf } from './process-usage.ts'

const stat =
  '4242 (node (a) b) S 1 4242 4242 0 -1 4194560 51234 0 12 0 1234 66 5 5 20 0 11 0 998877 1289625600 20111 18446744073709551615 1 1 0 0 0 0 0 4096 134235650 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n'
const status = 'Name:\tnode\nVmPeak:\t 1300000 kB\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t11\n'

it('reads the time of user mode and kernel, past a name with parentheses', () => {
  expect(parseUsage(stat, status)).toEqual({ cpuSeconds: 13, rssBytes: 100 * 2 ** 20, peakRssBytes: 200 * 2 ** 20 })
})

it('says so when the process is gone', () => {
  expect(() => parseUsage(stat, 'Name:\tnode\nState:\tZ (zombie)\n')).toThrow(/has ended/)
})

it('knows a process that runs', () => {
  const before = usageOf(process.pid)
  const until = process.cpuUsage().user + 200_000
  while (process.cpuUsage().user < until) Math.sqrt(until)
  const after = usageOf(process.pid)
  expect(after.cpuSeconds).toBeGreaterThan(before.cpuSeconds)
  expect(after.peakRssBytes).toBeGreaterThanOrEqual(after.rssBytes)
})
