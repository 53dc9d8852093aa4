import type { ClientHttp2Session } from 'node:http2'
import type { CreateSandbox, Evidence, Image, ImageProgress, RuntimeReport, Sandbox } from '@bulkhead/wire'

/**
 * Where sandboxes live: this machine (engine) or a cluster (kubernetes). The server stands in front of either and knows neither.
 * All methods fail with a `BulkheadError`; after an abort nothing half-made stays behind.
 */
export interface Backend extends AsyncDisposable {
  /** Resolves when the sandbox runs and its guest agent answers. On failure nothing is left, and the reason is the error. */
  create(request: CreateSandbox, signal: AbortSignal): Promise<Sandbox>
  /** Fails `sandbox_not_found`. A sandbox that has ended is kept, with its reason, for a while. */
  get(id: string): Promise<Sandbox>
  /** Newest first; ended ones only with `ended`. */
  list(filter?: { ended?: boolean }): Promise<Sandbox[]>
  /** Ends it and removes all it had. A second call is fine while the first is known: it waits for the same end. */
  delete(id: string): Promise<void>
  /** `deadlineMs` from now on the backend's clock; null: none. */
  setDeadline(id: string, deadlineMs: number | null): Promise<Sandbox>
  /**
   * The open HTTP/2 session to the guest agent, made anew when the last one ended, and the token its requests need in `X-Access-Token`.
   * Fails `sandbox_not_running`, `guest_unreachable`.
   */
  channel(id: string, signal: AbortSignal): Promise<GuestEndpoint>
  evidence(id: string, signal: AbortSignal): Promise<Evidence>
  /** What each kernel runtime can do here; `fresh`: probe again instead of the cached answer. */
  runtimes(options: { fresh?: boolean }, signal: AbortSignal): Promise<RuntimeReport[]>
  readonly images: Images
  /** How many sandboxes need this process: those being made or removed, and those whose deadline it must keep. Pool members do not count. */
  busy(): number
}

export interface GuestEndpoint {
  readonly session: ClientHttp2Session
  readonly accessToken: string
}

/** Root file systems that sandboxes start from. */
export interface Images {
  list(): Promise<Image[]>
  /** Fails `image_not_found`, `image_invalid`, `registry_unavailable`, `registry_unauthorized`. */
  pull(reference: string, progress: (event: ImageProgress) => void, signal: AbortSignal): Promise<Image>
  /** By name or digest. Fails `image_not_found`, `image_in_use`. */
  remove(name: string): Promise<Image>
  /** Removes what no name and no sandbox uses; returns what went. */
  prune(): Promise<Image[]>
}
