import type { KernelExit } from '../contract.ts'
import type { HeldEnd } from './holder-control.ts'

export interface ExitFacts {
  readonly end: HeldEnd
  /** This process has asked for the end. */
  readonly asked: boolean
  /** How many of its processes the host has ended for want of memory. */
  readonly outOfMemoryKills: number
  /** The last lines of what runsc and the guest's first process said: the guest's words, shown, not believed. */
  readonly logTail: string
  /** What the sentry's runtime wrote when it died by itself. */
  readonly panic: string
}

/** runsc's own failure, before or around the guest. Source: runsc/cmd/util/util.go, `Errorf` and `Fatalf`. */
const runscFailed = 128
const killedStatus = 128 + 9

/**
 * Why a gVisor kernel ended. runsc passes on the guest's first process's status, with 128 added to a signal's number, and gives the same
 * when the sentry itself is killed: those two cannot be told apart, and the detail says so.
 */
export function explainExit({ end, asked, outOfMemoryKills, logTail, panic }: ExitFacts): KernelExit {
  if (asked) return { kind: 'stopped' }
  // First: the guest may have lost a process to the memory limit long ago and gone on.
  if (end.kind === 'exited' && end.code === 0) return { kind: 'powered_off' }
  if (outOfMemoryKills > 0) {
    return {
      kind: 'out_of_memory',
      detail: `the memory limit was reached; the host ended ${outOfMemoryKills} of its processes`,
    }
  }
  if (panic !== '') return { kind: 'panicked', detail: firstLines(panic) }
  if (end.kind === 'lost') return { kind: 'killed', detail: 'the holder of its stream was killed' }
  if (end.kind === 'signalled') return { kind: 'killed', detail: `runsc was ended by ${end.signal}` }
  if (end.code === killedStatus) {
    return { kind: 'killed', detail: "the sentry, or the guest's first process, was ended by signal 9" }
  }
  const said = logTail === '' ? '' : `: ${firstLines(logTail)}`
  if (end.code === runscFailed) return { kind: 'crashed', detail: `runsc failed${said}` }
  return { kind: 'panicked', detail: `the guest's first process ended with status ${end.code}${said}` }
}

/** Bounded, one line, no control characters: it ends in a terminal. */
const firstLines = (text: string): string =>
  text
    .slice(0, 1000)
    .trim()
    .split('\n')
    .slice(0, 5)
    .join('; ')
    .replace(/\p{Cc}/gu, ' ')
