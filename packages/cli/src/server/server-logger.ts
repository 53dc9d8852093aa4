import pino, { type Logger } from 'pino'
import { BoundedLog } from './bounded-log.ts'

const maxBytes = 8 * 1024 * 1024

/** JSON lines in a file of bounded size. */
export const serverLogger = (path: string): Logger =>
  pino({ level: 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, new BoundedLog(path, maxBytes))
