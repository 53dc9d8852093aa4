import { failure } from '@bulkhead/wire/errors'
import { BoundedBuffer } from './bounded-buffer.ts'

/** Of an answer that says no more than that all went well, or why not. */
export const maxReplyBytes = 1024 * 1024

/** All of a body as one array. Fails `answer_invalid` when it is larger than `limitBytes`, having read no more. `operation`: for the error. */
export async function readAll(
  body: AsyncIterable<Uint8Array>,
  operation: string,
  limitBytes: number
): Promise<Uint8Array> {
  const whole = new BoundedBuffer(limitBytes)
  for await (const chunk of body) {
    whole.add(chunk)
    if (whole.truncated) throw failure('answer_invalid', { operation, problem: `more than ${limitBytes} bytes` })
  }
  return whole.bytes()
}

export function concat(
  chunks: readonly Uint8Array[],
  size = chunks.reduce((sum, c) => sum + c.byteLength, 0)
): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only) return only
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
