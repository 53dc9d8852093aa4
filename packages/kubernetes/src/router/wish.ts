import type { IncomingHttpHeaders } from 'node:http'
import { isDnsLabel } from './dns-label.ts'
import { podAddress } from './pod-address.ts'
import { type Refusal, refusals } from './refusal.ts'

/** Where a request wants to go, as its headers say. */
export interface Wish {
  /** Name of the Sandbox. */
  readonly sandbox: string
  readonly namespace: string
  readonly port: number
  /** What the client believes to be an address of the Sandbox's Pod: believed only when it is. */
  readonly address: string | undefined
  /** Longest silence. */
  readonly timeoutMs: number
}

const defaults = { namespace: 'default', port: '8888' }

/** Reads the `X-Sandbox-*` headers. A header that is there twice has a form that none may have. An empty one is none. */
export function readWish(headers: IncomingHttpHeaders, maxTimeoutMs: number): Wish | Refusal {
  const sandbox = header(headers, 'x-sandbox-id')
  if (!sandbox) return refusals.idMissing
  if (!isDnsLabel(sandbox)) return refusals.idInvalid
  const namespace = header(headers, 'x-sandbox-namespace') || defaults.namespace
  if (!isDnsLabel(namespace)) return refusals.namespaceInvalid
  const digits = header(headers, 'x-sandbox-port') || defaults.port
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65_535) return refusals.portInvalid
  const given = header(headers, 'x-sandbox-pod-ip')
  const address = given ? podAddress(given) : undefined
  if (given && !address) return refusals.addressInvalid
  return { sandbox, namespace, port, address, timeoutMs: timeout(header(headers, 'x-sandbox-timeout'), maxTimeoutMs) }
}

const header = (headers: IncomingHttpHeaders, name: string): string => headers[name]?.toString().trim() ?? ''

/** It is advice: one that makes no sense is not a reason to refuse. */
function timeout(given: string, maxMs: number): number {
  const ms = Number(given) * 1000
  return ms > 0 ? Math.max(1, Math.min(ms, maxMs)) : maxMs
}
