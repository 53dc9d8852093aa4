/**
 * No answer came, or not all of it. `unsent`: not one byte of the request went out, so it was not carried out. Otherwise nobody knows, and a write
 * must be looked after (read the object) before it is tried again.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly operation: string
  readonly unsent: boolean

  constructor(operation: string, unsent: boolean, cause: unknown) {
    super(`${operation}: ${textOf(cause)}${unsent ? ' (not sent)' : ''}`, { cause })
    this.operation = operation
    this.unsent = unsent
  }
}

/** Node joins the attempts of a connect (IPv6, IPv4) in an AggregateError without a message. */
function textOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.map(textOf).join('; ')
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
