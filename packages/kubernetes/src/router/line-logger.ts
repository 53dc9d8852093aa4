import type { Writable } from 'node:stream'
import type { Logger } from '../controller/index.ts'

/** A line of JSON for each message, as log collectors of clusters read it. */
export function lineLogger(stream: Writable, debug: boolean): Logger {
  const at = (level: string) => (facts: object, message: string) => {
    const line = { level, time: new Date().toISOString(), msg: message, ...plain(facts) }
    stream.write(`${JSON.stringify(line)}\n`)
  }
  return { debug: debug ? at('debug') : () => {}, info: at('info'), warn: at('warn'), error: at('error') }
}

/** JSON shows nothing of an Error. */
const plain = (facts: object): object =>
  Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, value instanceof Error ? (value.stack ?? value.message) : value])
  )
