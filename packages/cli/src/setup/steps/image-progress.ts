import type { ImageProgress } from '@bulkhead/wire'

/** `unpacking layers, 40 %`. */
export const imageProgress =
  (progress: (text: string) => void) =>
  ({ step, fraction }: Pick<ImageProgress, 'step' | 'fraction'>): void =>
    progress(fraction === undefined ? step : `${step}, ${Math.round(fraction * 100)} %`)
