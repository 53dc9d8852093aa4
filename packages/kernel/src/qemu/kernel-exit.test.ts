import { expect, it } from 'vitest'
import { type Ending, kernelExit, lastLine } from './kernel-exit.ts'

const nothing: Ending = {
  asked: false,
  guest: undefined,
  serial: '',
  outOfMemoryKills: 0,
  exitCode: undefined,
  stderr: '',
}
const panic = '[ 3.1] Kernel panic - not syncing: sysrq triggered crash\r\n[ 3.2] ---[ end Kernel panic ]---\r\n'

it.each<[string, Partial<Ending>, string]>([
  ['asked for, whatever else happened', { asked: true, guest: 'panic', serial: panic, exitCode: 137 }, 'stopped'],
  ['the panic device', { guest: 'panic', serial: panic, exitCode: 137 }, 'panicked'],
  ['a panic that only the serial line tells of', { guest: 'reset', serial: panic }, 'panicked'],
  ['a reboot', { guest: 'reset' }, 'powered_off'],
  ['a guest that writes of a panic and powers off', { guest: 'power_off', serial: panic }, 'powered_off'],
  ['the cgroup was full', { outOfMemoryKills: 1, exitCode: 137 }, 'out_of_memory'],
  ['killed by somebody', { exitCode: 137 }, 'killed'],
  ['an assertion of QEMU', { exitCode: 134, stderr: 'qemu: Assertion failed\n' }, 'crashed'],
  ['unseen', {}, 'crashed'],
])('%s', (_, seen, kind) => {
  expect(kernelExit({ ...nothing, ...seen }).kind).toBe(kind)
})

it('makes the last words of a guest fit for a log', () => {
  expect(lastLine('one\n\u001b[2J\u001b[31mred\u0007\r\n\n')).toBe('[2J [31mred')
  expect(lastLine('x'.repeat(5000))).toHaveLength(300)
  expect(lastLine('\n\r\n')).toBeUndefined()
})
