import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation as large as it is now. It doubles, up to 128 MB, whenever much survives a collection, as all of a page does that is being
 * parsed; what reads page after page gains no speed by that. The flag is looked at when the space would grow, so that it may be set at any time.
 */
export const keepHeapSmall = (): void => setFlagsFromString('--semi-space-growth-factor=1')
