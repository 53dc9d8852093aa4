import { ociArchive } from '../cluster/oci-archive.ts'
import { user } from './runtime-files.ts'

/** The image that brings the guest agent into Pods: one static program, which an init container copies. */
export const agentArchive = (name: string, version: string, agent: Buffer): Buffer =>
  ociArchive({
    name,
    layers: [[{ type: 'File', path: 'agent', content: agent, mode: 0o755 }]],
    entrypoint: ['/agent'],
    user: `${user.id}:${user.id}`,
    environment: ['PATH=/'],
    labels: {
      'org.opencontainers.image.title': 'Bulkhead: guest agent, for sandboxes in Pods',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
  })
