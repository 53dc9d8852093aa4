import type { KernelExit } from '@bulkhead/kernel'

/** Why a sandbox ended whose end nobody asked for. `detail` comes from the guest's console or the VMM's log: bounded and printable. */
export function exitReason(exit: KernelExit): string {
  switch (exit.kind) {
    case 'stopped':
      return 'stopped'
    case 'powered_off':
      return 'the guest powered itself off'
    case 'panicked':
      return `the guest kernel panicked: ${printable(exit.detail)}`
    case 'out_of_memory':
      return `out of memory: ${printable(exit.detail)}`
    case 'killed':
      return `killed from outside: ${printable(exit.detail)}`
    case 'crashed':
      return `the virtual machine monitor crashed: ${printable(exit.detail)}`
  }
}

const maxReasonLength = 500

/** Control characters could rewrite the terminal of whoever reads the reason. */
const printable = (text: string): string =>
  text
    .slice(0, maxReasonLength)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
