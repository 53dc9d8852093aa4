import pino, { type Logger as PinoLogger } from 'pino'
import type { OperatorOptions } from './operator-options.ts'

const times = {
  text: pino.stdTimeFunctions.isoTime,
  s: pino.stdTimeFunctions.unixTime,
  ms: pino.stdTimeFunctions.epochTime,
  ns: () => `,"time":${BigInt(Date.now()) * 1_000_000n}`,
} as const satisfies Record<OperatorOptions['log']['time'], () => string>

/** JSON lines on stderr, as the API's own controller writes them there; written at once, so that the last words of a process are there, too. */
export const operatorLog = ({ level, time }: OperatorOptions['log']): PinoLogger =>
  pino(
    { level, base: null, timestamp: times[time], formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ dest: 2, sync: true })
  )
