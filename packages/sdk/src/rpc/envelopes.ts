import { failure } from '@bulkhead/wire/errors'
import { BoundedBuffer } from '../http/bounded-buffer.ts'

/** One message of a Connect stream: a byte of flags, four of length (big-endian), the data. */
export interface Envelope {
  readonly flags: number
  readonly data: Uint8Array
}

const headBytes = 5
/** The agent sends output in pieces of 64 KiB; a hostile guest can announce 4 GiB. */
const maxDataBytes = 1024 * 1024

export function envelope(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(headBytes + data.byteLength)
  new DataView(whole.buffer).setUint32(1, data.byteLength)
  whole.set(data, headBytes)
  return whole
}

/** Cuts a body into its messages. Data is a view into what arrived wherever a message came in one piece. */
export async function* envelopes(body: AsyncIterable<Uint8Array>, operation: string): AsyncGenerator<Envelope> {
  // The start of a message whose end has not come. A guest may send it byte by byte.
  let begun = new BoundedBuffer(Number.POSITIVE_INFINITY)
  for await (const chunk of body) {
    let bytes = chunk
    if (begun.size > 0) {
      begun.add(chunk)
      bytes = begun.bytes()
    }
    let end = endOfFirst(bytes, operation)
    if (end === undefined && begun.size > 0) continue
    for (; end !== undefined; end = endOfFirst(bytes, operation)) {
      yield { flags: bytes[0] ?? 0, data: bytes.subarray(headBytes, end) }
      bytes = bytes.subarray(end)
    }
    begun = new BoundedBuffer(Number.POSITIVE_INFINITY)
    begun.add(bytes)
  }
  if (begun.size > 0) throw failure('answer_invalid', { operation, problem: 'it ends within a message' })
}

/** Where the first message ends; undefined: it is not all there. */
function endOfFirst(bytes: Uint8Array, operation: string): number | undefined {
  if (bytes.byteLength < headBytes) return undefined
  const length = new DataView(bytes.buffer, bytes.byteOffset, headBytes).getUint32(1)
  if (length > maxDataBytes) throw failure('answer_invalid', { operation, problem: `a message of ${length} bytes` })
  const end = headBytes + length
  return bytes.byteLength < end ? undefined : end
}
