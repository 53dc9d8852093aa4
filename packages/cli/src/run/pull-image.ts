import { resolve } from 'node:path'
import type { Bulkhead, Image } from '@bulkhead/sdk/node'
import { progressLine } from '../output/progress-line.ts'

/** Fetches an image and shows on stderr how far it is. */
export async function pullImage(client: Bulkhead, reference: string, signal: AbortSignal): Promise<Image> {
  using progress = progressLine()
  return client.images.pull(absolute(reference), { signal, onProgress: progress.show })
}

/** The server has another working directory: paths in a reference must not depend on it. */
function absolute(reference: string): string {
  const match = /^(oci|oci-archive|docker-archive):([^/].*)$/s.exec(reference)
  return match ? `${match[1]}:${resolve(match[2] as string)}` : reference
}
