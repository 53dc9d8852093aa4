import { z } from 'zod'
import type { CriProcess } from './cri-pod.ts'

/** Of what containerd and CRI-O say under `info`; containerd's is SandboxInfo and ContainerInfo in internal/cri/types. */
const infoSchema = z.object({
  pid: z.int().positive(),
  runtimeType: z.string().max(1024).optional(),
  runtimeOptions: z.object({ binary_name: z.string().max(4096).optional() }).nullish(),
})

/** Either the process or, in a few words, why it is not known. */
export type Said = { readonly process: CriProcess } | { readonly unsaid: string }

/** Reads the `info` of a verbose answer. Pods' annotations are in there, too: nothing of it is repeated in `unsaid`. */
export function parseVerboseInfo(info: Readonly<Record<string, string>>): Said {
  const text = info.info
  if (text === undefined) return { unsaid: 'the runtime gives no verbose information' }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { unsaid: 'its verbose information is no JSON' }
  }
  const parsed = infoSchema.safeParse(json)
  if (!parsed.success) {
    const fields = new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'all of it'))
    return { unsaid: `its verbose information is not understood: ${[...fields].join(', ')}` }
  }
  const { pid, runtimeType, runtimeOptions } = parsed.data
  const binary = runtimeOptions?.binary_name
  return { process: { pid, ...(runtimeType && { runtimeType }), ...(binary && { binary }) } }
}
