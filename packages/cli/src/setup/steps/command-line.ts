import { hasBundle, makeBundle } from '../../bundle/bundle.ts'
import type { SetupStep } from '../step.ts'

export const commandLineStep: SetupStep = {
  name: 'command line',
  why: 'its sources in a few files, so that every later command starts in half the time',
  async check({ paths }) {
    return hasBundle(paths.source)
  },
  async make({ paths }, progress) {
    progress('bundling')
    try {
      await makeBundle(paths.source)
    } catch (error) {
      // A checkout of somebody else's: it runs from its sources.
      if (!['EACCES', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      progress('the checkout cannot be written to; going on without')
    }
  },
}
