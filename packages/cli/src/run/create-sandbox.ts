import { type Bulkhead, isFailure, type Sandbox } from '@bulkhead/sdk/node'
import type { CreateSandboxInput } from '@bulkhead/wire'
import { talk } from '../output/streams.ts'
import { tellWhenSlow } from './tell-when-slow.ts'

/** Makes the sandbox; an image that is not here yet is fetched first, as container tools do. */
export async function createSandbox(
  client: Bulkhead,
  request: CreateSandboxInput,
  signal: AbortSignal
): Promise<Sandbox> {
  try {
    return await create(client, request, signal)
  } catch (error) {
    if (!isFailure(error, 'image_not_found') || request.image === undefined) throw error
    const { pullImage } = await import('./pull-image.ts')
    talk(`bulkhead: there is no image ${request.image} here yet; fetching it`)
    await pullImage(client, request.image, signal)
    return create(client, request, signal)
  }
}

async function create(client: Bulkhead, request: CreateSandboxInput, signal: AbortSignal): Promise<Sandbox> {
  using _slow = tellWhenSlow(request.runtime)
  return await client.sandboxes.create(request, { signal })
}
