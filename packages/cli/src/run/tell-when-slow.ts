import { progressLine } from '../output/progress-line.ts'

/** A start that is cloned or booted by gVisor is long over by then. */
const slowMs = 1_500

/**
 * On a terminal, says after a moment why a start takes long: the first QEMU sandbox of an image and a size boots its template. The server does not
 * tell what it is at, so this says what a long start may be, not how far it has come. Disposing takes the line away.
 */
export function tellWhenSlow(runtime: string | undefined): Disposable {
  const cleanup = new DisposableStack()
  if (process.stderr.isTTY) {
    const timer = setTimeout(() => {
      const step =
        runtime === 'gvisor'
          ? 'starting the sandbox'
          : 'starting; the first virtual machine of its kind boots a template once'
      cleanup.use(progressLine()).show({ step })
    }, slowMs)
    cleanup.defer(() => clearTimeout(timer))
  }
  return cleanup
}
