import { ApiError, isConflict, isNamespaceTerminating, isTooManyRequests, TransportError } from '../controller/index.ts'

/** The world has gone on since it was read: the pass begins again. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError'
}

/** What has been found in the way, and is not the Sandbox's. */
export class NotOursError extends Error {
  override readonly name = 'NotOursError'
}

/** By the policy on failure domains there is no node for the Pod. */
export class NoPlaceError extends Error {
  override readonly name = 'NoPlaceError'
}

/** Errors that say nothing about the Sandbox: the pass is of no use any more. */
export const endsPass = (error: unknown): boolean =>
  isConflict(error) || isNamespaceTerminating(error) || error instanceof OvertakenError

/** Trouble of the API server, which may be over by the next try. */
export const isHiccup = (error: unknown): boolean =>
  error instanceof TransportError ||
  isTooManyRequests(error) ||
  (error instanceof ApiError && error.code >= 500) ||
  (error instanceof AggregateError && error.errors.every(isHiccup))

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** One error, or one made of all. */
export const joined = (errors: readonly unknown[]): unknown =>
  errors.length === 1 ? errors[0] : new AggregateError(errors, errors.map(textOf).join('; '))
