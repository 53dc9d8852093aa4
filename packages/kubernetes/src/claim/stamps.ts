import { annotation, type SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'

/** What the claim's metadata is to say. */
export interface Stamps {
  /** The Sandbox it has been given from the pool; null: none. */
  readonly sandboxName: string | null
  /** Undefined: is not said. */
  readonly observedAt?: string | undefined
  /** Undefined: is not said; null: it has not been Ready, whatever was written when it seemed so. */
  readonly readyAt?: string | null | undefined
}

/** One patch for all that is new; undefined when nothing is. What is stamped once stays. */
export function stampsPatch(
  { metadata }: Stored<SandboxClaim>,
  stamps: Stamps
): { readonly metadata: object } | undefined {
  const present = metadata.annotations ?? {}
  const annotations: Record<string, string | null> = {}
  const say = (key: string, value: string | null) => {
    if ((present[key] ?? null) !== value) annotations[key] = value
  }
  say(annotation.sandboxName, stamps.sandboxName)
  if (stamps.observedAt && !present[annotation.controllerFirstObservedAt])
    say(annotation.controllerFirstObservedAt, stamps.observedAt)
  if (stamps.readyAt === null || (stamps.readyAt && !present[annotation.claimFirstReadyAt]))
    say(annotation.claimFirstReadyAt, stamps.readyAt)
  // Where older versions said which Sandbox it was given.
  const hasOldLabel = metadata.labels?.[annotation.sandboxName] !== undefined
  if (Object.keys(annotations).length === 0 && !hasOldLabel) return undefined
  return {
    metadata: {
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(hasOldLabel && { labels: { [annotation.sandboxName]: null } }),
    },
  }
}
