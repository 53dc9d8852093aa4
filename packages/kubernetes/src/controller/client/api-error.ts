/** metav1.Status, the slice that is read. Everything in it comes from outside. */
export interface ApiStatus {
  readonly message?: string
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Invalid`, … */
  readonly reason?: string
  readonly code?: number
  readonly details?: {
    readonly name?: string
    readonly group?: string
    readonly kind?: string
    readonly uid?: string
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[]
    readonly retryAfterSeconds?: number
  }
}

/** The API server said no. Match with the functions below, not on the text. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP status, or the code of an ERROR event of a watch. */
  readonly code: number
  readonly reason: string
  readonly details: ApiStatus['details']
  /** How long the server asks to wait, in ms. */
  readonly retryAfterMs: number | undefined
  /** `PATCH sandboxes.agents.x-k8s.io default/a`. */
  readonly operation: string

  constructor(operation: string, code: number, status: ApiStatus, retryAfterMs?: number) {
    const reason = status.reason || String(code)
    super(`${operation}: ${code} ${reason}${status.message ? `: ${status.message}` : ''}`)
    this.operation = operation
    this.code = code
    this.reason = reason
    this.details = status.details
    const seconds = status.details?.retryAfterSeconds
    this.retryAfterMs = retryAfterMs ?? (seconds ? seconds * 1000 : undefined)
  }
}

const is = (error: unknown, code: number, reason?: string): error is ApiError =>
  error instanceof ApiError && error.code === code && (reason === undefined || error.reason === reason)

export const isUnauthorized = (error: unknown): error is ApiError => is(error, 401)
export const isForbidden = (error: unknown): error is ApiError => is(error, 403)
/** `name`: that this very object is not there. A 404 without it is about something else: an API server that has only just started does not serve the kind yet. */
export const isNotFound = (error: unknown, name?: string): error is ApiError =>
  is(error, 404) && (name === undefined || error.details?.name === name)
/** The object was changed since it was read (or its uid is not the expected one): read again. */
export const isConflict = (error: unknown): error is ApiError => is(error, 409, 'Conflict')
export const isAlreadyExists = (error: unknown): error is ApiError => is(error, 409, 'AlreadyExists')
/** The resource version or `continue` token is too old: list anew. */
export const isGone = (error: unknown): error is ApiError => is(error, 410)
/** The object as written does not pass validation: trying again does not help. */
export const isInvalid = (error: unknown): error is ApiError => is(error, 422)
/** Refused before anything was done. */
export const isTooManyRequests = (error: unknown): error is ApiError => is(error, 429)
/** The namespace is being deleted, or has just gone: nothing can be created in it any more. */
export const isNamespaceTerminating = (error: unknown): error is ApiError =>
  (is(error, 403) && (error.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')) ||
  (is(error, 404) && error.details?.kind === 'namespaces')
/** The server has not seen this version yet: it was restored from a back-up, or answers from a cache that is behind. */
export const isVersionTooLarge = (error: unknown): error is ApiError =>
  is(error, 504) && (error.details?.causes ?? []).some((cause) => cause.reason === 'ResourceVersionTooLarge')

/** What a body says, if it is a Status; otherwise its text as the message. */
export function parseStatus(body: string): ApiStatus {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null && (parsed as { kind?: unknown }).kind === 'Status')
      return parsed as ApiStatus
  } catch {
    // A proxy's page, or half an answer.
  }
  return { message: body.slice(0, 500) }
}

/** `Retry-After` in ms: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | undefined, nowWallMs: number): number | undefined {
  if (!header) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowWallMs)
}
