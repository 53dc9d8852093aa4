/** Where a proxied request goes: the sandbox, and the `:path` its guest agent will see. */
export interface GuestTarget {
  readonly sandboxId: string
  /** Starts with `/`; may have a query. Printable ASCII only. */
  readonly path: string
  /** `path` without its query: for the log, since a query names files and users. */
  readonly route: string
}

export type GuestTargetResult =
  | { readonly kind: 'target'; readonly target: GuestTarget }
  /** Below the prefix, but nothing that may be reached. */
  | { readonly kind: 'refused'; readonly sandboxId: string; readonly route: string }

const prefix = '/v1/sandboxes/'
const below = /^([^/?#]+)\/guest(\/[^?#]*)?(\?[^#]*)?$/
const idPattern = /^[a-z0-9-]{1,64}$/

/**
 * The guest's own paths need no escapes: whatever holds one (`%2e`, `%2F`), an empty segment or a backslash could mean another path to
 * the guest than it means here, so it is refused rather than normalised. What is matched is thereby exactly what is sent.
 */
const plainPath = /^(?:\/[A-Za-z0-9_.-]+)+$/
const dotsOnly = /^\.+$/
/** `bulkhead.guest.v1.Guest` is for the host alone. Refused by its first segment in any case and version, known or not. */
const hostOnly = /^\/bulkhead\.guest/i
const printableQuery = /^[\x21-\x7e]*$/

/** Reads the raw request target. Undefined: it is not below a sandbox's `guest` prefix, and so for the control API. */
export function guestTarget(url: string): GuestTargetResult | undefined {
  if (!url.startsWith(prefix)) return undefined
  const parts = below.exec(url.slice(prefix.length))
  if (!parts) return undefined
  const [, sandboxId = '', route = '/', query = ''] = parts
  const reachable =
    idPattern.test(sandboxId) &&
    plainPath.test(route) &&
    !route.split('/').some((segment) => dotsOnly.test(segment)) &&
    !hostOnly.test(route) &&
    printableQuery.test(query)
  return reachable
    ? { kind: 'target', target: { sandboxId, path: route + query, route } }
    : { kind: 'refused', sandboxId, route }
}
