import { failure } from '@bulkhead/wire/errors'

const maxLine = 1024 * 1024

/** The JSON values of an NDJSON body, as they come. */
export async function* lines(body: AsyncIterable<Uint8Array>, operation: string): AsyncGenerator<unknown> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) if (line) yield parse(line, operation)
    if (rest.length > maxLine) throw failure('answer_invalid', { operation, problem: 'a line without end' })
  }
  if (rest) yield parse(rest, operation)
}

function parse(line: string, operation: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw failure('answer_invalid', { operation, problem: 'a line that is not JSON' }, { cause })
  }
}
