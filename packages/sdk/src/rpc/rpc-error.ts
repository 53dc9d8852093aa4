/** What the guest's agent answered instead of a result: a code of the Connect protocol (`not_found`, `permission_denied`, …). */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** From the JSON of an error body or of an end-of-stream message. The guest is untrusted: any shape may come. */
export function rpcErrorFrom(value: unknown): RpcError {
  const { code, message } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  return new RpcError(
    typeof code === 'string' ? code.slice(0, 64) : 'unknown',
    typeof message === 'string' ? message.slice(0, 4096) : ''
  )
}
