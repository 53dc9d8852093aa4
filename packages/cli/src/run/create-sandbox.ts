import { type Bulkhead, isFailure, type Sandbox } from '@bulkhead/sdk/node'
import type { CreateSandboxInput } from '@bulkhead/wire'
import { talk } from '../output/streams.ts'

/** Makes the sandbox; an image that is not here yet is fetched first, as container tools do. */
export async function createSandbox(
  client: Bulkhead,
  request: CreateSandboxInput,
  signal: AbortSignal
): Promise<Sandbox> {
  try {
    return await client.sandboxes.create(request, { signal })
  } catch (error) {
    if (!isFailure(error, 'image_not_found') || request.image === undefined) throw error
    const { pullImage } = await import('./pull-image.ts')
    talk(`bulkhead: there is no image ${request.image} here yet; fetching it`)
    await pullImage(client, request.image, signal)
    return client.sandboxes.create(request, { signal })
  }
}
