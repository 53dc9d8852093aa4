import { openProduct } from '../../test/support/product.ts'
import type { Figure } from '../figure.ts'
import { requests } from '../first-byte.ts'

const many = 50

/** Fifty sandboxes at once: how fast they come, and that each answers while all the others are there. */
export async function density(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [runtime, request] of Object.entries(requests)) {
    await using product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
    // The template, where there is one, is made once in a machine's life.
    await (await product.client.sandboxes.create(request)).delete()
    const started = performance.now()
    const sandboxes = await Promise.all(Array.from({ length: many }, () => product.client.sandboxes.create(request)))
    const seconds = (performance.now() - started) / 1000
    const answers = await Promise.all(
      sandboxes.map(async (sandbox, n) => {
        const { stdout } = await sandbox.run(['echo', `${n}`])
        return new TextDecoder().decode(stdout) === `${n}\n`
      })
    )
    const name = runtime === 'qemu' ? 'QEMU emulated' : 'gVisor'
    figures.push(
      {
        name: `${name}: creates per second, ${many} at once`,
        value: many / seconds,
        unit: 'per s',
        target: { atLeast: runtime === 'qemu' ? 4 : 6 },
        detail: `${many} in ${seconds.toFixed(1)} s`,
        ...(runtime === 'qemu' && { withKvm: 'the guest’s part of each start takes no emulation' }),
      },
      {
        name: `${name}: of ${many} sandboxes at once, those that answer`,
        value: answers.filter(Boolean).length,
        unit: 'count',
        target: { atLeast: many },
        detail: 'each runs a command while all the others are there',
      }
    )
    await Promise.all(sandboxes.map((sandbox) => sandbox.delete()))
  }
  return figures
}
