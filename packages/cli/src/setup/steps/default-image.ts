import { join } from 'node:path'
import { sourceKey } from '../../source-key.ts'
import { readInstallation } from '../installation.ts'
import { isFilled } from '../is-filled.ts'
import type { SetupStep } from '../step.ts'
import { imageProgress } from './image-progress.ts'

export const defaultImageStep: SetupStep = {
  name: 'default image',
  why: 'Debian with Python, Node, git and curl; what sandboxes start from when no --image is given',
  async check({ paths, found }) {
    const before = readInstallation(paths.state)
    // Only the images package knows whether its recipe has changed: with the same sources it has not.
    if (before?.sourceKey !== sourceKey(paths.source) || !isFilled(before.rootImage)) return false
    found.rootImage = before.rootImage
    return true
  },
  async make({ paths, found, signal }, progress) {
    const { ImageStore } = await import('@bulkhead/images')
    const store = new ImageStore(join(paths.state, 'images'))
    found.rootImage = (await store.ensureDefault(imageProgress(progress), signal)).path
  },
}
