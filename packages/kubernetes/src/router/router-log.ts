import pino from 'pino'
import type { Logger } from '../controller/index.ts'

/** A line of JSON for each message, on stderr, written at once: the last words of a process are there, too. */
export const routerLog = (debug: boolean): Logger =>
  pino(
    {
      level: debug ? 'debug' : 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true })
  )
