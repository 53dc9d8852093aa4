import type { ServerResponse } from 'node:http'

/** Fields of protobuf messages, by hand: these few answers are no reason for a dependency. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const number = (field: number, value: number): Buffer => Buffer.from([field << 3, ...varint(value)])
const bytes = (field: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(value.length)]), value])

/** Events of `process.Process/Start`. */
export const started = bytes(1, number(1, 7))
export const printed = (text: string): Buffer => bytes(2, bytes(1, Buffer.from(text)))
export const exited = (code: number): Buffer => bytes(3, Buffer.concat([number(1, code * 2), number(2, 1)]))

/** A stream of events that goes on until `end`. */
export function say(response: ServerResponse, ...events: Buffer[]): void {
  for (const event of events) response.write(enveloped(0, bytes(1, event)))
}
export const end = (response: ServerResponse): void => void response.end(enveloped(2, Buffer.from('{}')))

/** A command that ends at once. */
export const runs = (exitCode: number) => (response: ServerResponse) => {
  say(response, started, printed('out'), exited(exitCode))
  end(response)
}

/** The answer of `filesystem.Filesystem/Stat` for a file, and for a folder. */
export const isFile = (response: ServerResponse): void => void response.end(bytes(1, number(2, 1)))
export const isFolder = (response: ServerResponse): void => void response.end(bytes(1, number(2, 2)))

function enveloped(flags: number, data: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(data.byteLength, 1)
  return Buffer.concat([head, data])
}
