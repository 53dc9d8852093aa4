import type { ImageProgress } from '@bulkhead/wire'
import { printable } from './printable.ts'
import { talk } from './streams.ts'

/** Without a terminal, the same step is told at most this often. */
const plainEveryMs = 5_000

/** How far something long is, on stderr: one line that is redrawn on a terminal, a line per step elsewhere. Disposing clears the line. */
export function progressLine(): { show: (event: Pick<ImageProgress, 'step' | 'fraction'>) => void } & Disposable {
  const { stderr } = process
  let lastStep: string | undefined
  let lastAt = Number.NEGATIVE_INFINITY
  return {
    show({ step, fraction }) {
      const text = printable(fraction === undefined ? step : `${step} ${Math.round(fraction * 100)} %`)
      if (stderr.isTTY) {
        stderr.write(`\r\u001b[K${text.slice(0, Math.max(0, (stderr.columns ?? 80) - 1))}`)
        return
      }
      const now = performance.now()
      if (step === lastStep && now - lastAt < plainEveryMs) return
      lastStep = step
      lastAt = now
      talk(`bulkhead: ${text}`)
    },
    [Symbol.dispose]() {
      if (stderr.isTTY) stderr.write('\r\u001b[K')
    },
  }
}
