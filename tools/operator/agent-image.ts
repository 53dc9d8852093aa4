import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { goBuild } from '../../packages/cli/src/setup/go-builds.ts'
import { ociArchive } from '../cluster/oci-archive.ts'
import { user } from './runtime-files.ts'

export interface AgentImage {
  /** As Pods name it. */
  readonly name: string
  readonly version: string
  /** This checkout. */
  readonly root: string
}

/** The image that brings the guest agent into Pods, as an OCI archive: one static program, which an init container copies. */
export async function agentArchive({ name, version, root }: AgentImage, signal: AbortSignal): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-agent-'))
  try {
    const program = join(folder, 'agent')
    await goBuild(join(root, 'guest'), [program, './cmd/agent'], signal)
    return ociArchive({
      name,
      layers: [[{ type: 'File', path: 'agent', content: await readFile(program), mode: 0o755 }]],
      entrypoint: ['/agent'],
      user: `${user.id}:${user.id}`,
      environment: ['PATH=/'],
      labels: {
        'org.opencontainers.image.title': 'Bulkhead: guest agent, for sandboxes in Pods',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
