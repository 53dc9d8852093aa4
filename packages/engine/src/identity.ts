import { randomBytes } from 'node:crypto'
import type { GuestIdentity } from '@bulkhead/kernel'
import type { ResolvedImage } from './config.ts'

/** A fresh identity: nothing of it is shared with any other sandbox. `env` goes over the image's own. */
export function newIdentity(
  hostname: string,
  image: ResolvedImage,
  env: Readonly<Record<string, string>>
): GuestIdentity {
  return {
    hostname,
    machineId: randomBytes(16).toString('hex'),
    accessToken: randomBytes(32).toString('hex'),
    channelKey: randomBytes(16).toString('hex'),
    env: { ...image.config.env, ...env },
    user: image.config.user || 'root',
    workdir: image.config.workdir,
  }
}
