import { failure } from '@bulkhead/wire/errors'
import { concat } from '../http/read-all.ts'

/** One message of a Connect stream: a byte of flags, four of length (big-endian), the data. */
export interface Envelope {
  readonly flags: number
  readonly data: Uint8Array
}

const headBytes = 5
/** The agent sends output in chunks far below this; a hostile guest can announce 4 GiB. */
const maxDataBytes = 16 * 1024 * 1024

export function envelope(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(headBytes + data.byteLength)
  new DataView(whole.buffer).setUint32(1, data.byteLength)
  whole.set(data, headBytes)
  return whole
}

/** Cuts a body into its messages. Data is a view into what arrived wherever a message came in one piece. */
export async function* envelopes(body: AsyncIterable<Uint8Array>, operation: string): AsyncGenerator<Envelope> {
  const pending: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    pending.push(chunk)
    size += chunk.byteLength
    if (size < headBytes || size < wanted(pending, operation)) continue
    let bytes = concat(pending.splice(0), size)
    while (bytes.byteLength >= headBytes) {
      const end = wanted([bytes], operation)
      if (bytes.byteLength < end) break
      yield { flags: bytes[0] ?? 0, data: bytes.subarray(headBytes, end) }
      bytes = bytes.subarray(end)
    }
    size = bytes.byteLength
    if (size > 0) pending.push(bytes)
  }
  if (size > 0) throw failure('answer_invalid', { operation, problem: 'it ends within a message' })
}

/** Bytes of the first message with its head. At least `headBytes` have to be there. */
function wanted(pending: Uint8Array[], operation: string): number {
  let first = pending[0] as Uint8Array
  if (first.byteLength < headBytes) {
    first = concat(pending)
    pending.splice(0, pending.length, first)
  }
  const length = new DataView(first.buffer, first.byteOffset, headBytes).getUint32(1)
  if (length > maxDataBytes) throw failure('answer_invalid', { operation, problem: `a message of ${length} bytes` })
  return headBytes + length
}
