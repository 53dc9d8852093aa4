import type { KernelExit } from '../contract.ts'

/** How the guest ended by itself, as QEMU tells. */
export type GuestEnd = 'power_off' | 'reset' | 'panic'

/** All that is known when QEMU has ended. */
export interface Ending {
  /** `stop` was called. */
  readonly asked: boolean
  readonly guest: GuestEnd | undefined
  /** The last of what the guest wrote to its serial line: its own words, not trusted. */
  readonly serial: string
  /** How many processes of the cgroup were ended because its memory was full. */
  readonly outOfMemoryKills: number
  /** QEMU's exit code, 128 + n for signal n; undefined when nobody saw it. */
  readonly exitCode: number | undefined
  /** QEMU's last words. */
  readonly stderr: string
}

const SIGKILL = 128 + 9

/**
 * Names the end. What was asked for comes first, then what the host knows for sure, then the guest's word: a guest that was stopped while it
 * panicked was stopped, and one that writes "panic" before it powers off has powered off.
 */
export function kernelExit(ending: Ending): KernelExit {
  if (ending.asked) return { kind: 'stopped' }
  if (ending.guest === 'panic') return { kind: 'panicked', detail: panicLine(ending.serial) ?? 'no last words' }
  // Without the panic device's driver a panic is a reset; its words are then the only sign.
  const panic = ending.guest === 'reset' ? panicLine(ending.serial) : undefined
  if (panic) return { kind: 'panicked', detail: panic }
  if (ending.guest) return { kind: 'powered_off' }
  if (ending.outOfMemoryKills > 0) {
    return { kind: 'out_of_memory', detail: 'the memory of its cgroup was full; the host ended QEMU' }
  }
  if (ending.exitCode === SIGKILL) return { kind: 'killed', detail: 'QEMU was killed by SIGKILL' }
  const lastWords = lastLine(ending.stderr)
  const how = ending.exitCode === undefined ? 'QEMU ended, unseen' : `QEMU ended with ${exitName(ending.exitCode)}`
  return { kind: 'crashed', detail: lastWords ? `${how}: ${lastWords}` : how }
}

/** The last line a guest or QEMU wrote, made fit for a log: printable, short. The kernel's word that it now powers down is not news. */
export function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map(printable)
    .filter((line) => line !== '' && !/^\[ *[\d.]+\] (reboot|ACPI): /.test(line))
    .at(-1)
}

const panicLine = (serial: string): string | undefined =>
  serial
    .split('\n')
    .map(printable)
    .findLast((line) => line.includes('Kernel panic'))

const exitName = (code: number): string => (code > 128 ? `signal ${code - 128}` : `status ${code}`)

const printable = (line: string): string =>
  line
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300)
