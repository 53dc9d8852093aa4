import { readFileSync } from 'node:fs'
import { failure } from '@bulkhead/wire/errors'
import { inspectHost } from '../../packages/cli/src/setup/host.ts'
import { findRequirement, requirementsOn } from '../../packages/cli/src/setup/requirements.ts'

/** Numbers of capabilities in linux/capability.h that nobody makes namespaces, mounts and networks without. */
const capabilities = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const

/** Why no cluster can run on this machine, in words that follow "because"; undefined: nothing that is known speaks against it. */
export function whyUnsupported(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `it runs on Linux on amd64, not on ${process.platform}/${process.arch}`
  if (process.getuid?.() !== 0) return 'namespaces, mounts and networks need root'
  const held = effectiveCapabilities()
  const lacking = Object.entries(capabilities).find(([, number]) => ((held >> BigInt(number)) & 1n) === 0n)
  return lacking && `root here is without ${lacking[0]}`
}

/** Fails `cluster_unsupported`. */
export function needSupport(): void {
  const reason = whyUnsupported()
  if (reason !== undefined) throw failure('cluster_unsupported', { reason })
}

/** As `whyUnsupported`, and the first program of the host that is missing. */
export async function whyNotHere(signal: AbortSignal): Promise<string | undefined> {
  const reason = whyUnsupported()
  if (reason !== undefined) return reason
  for (const requirement of requirementsOn(inspectHost(), new Set(['cluster']))) {
    const { state } = await findRequirement(requirement, signal)
    if (state !== 'found')
      return `${requirement.program} is ${state === 'missing' ? 'missing' : 'too old'} (${requirement.why})`
  }
  return undefined
}

/** Source: proc_pid_status(5). */
function effectiveCapabilities(): bigint {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return BigInt(`0x${hex ?? '0'}`)
}
