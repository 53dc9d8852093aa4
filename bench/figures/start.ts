import { setTimeout as sleep } from 'node:timers/promises'
import { openProduct } from '../../test/support/product.ts'
import { bareSpec, kernelFirstByte } from '../bare-kernel.ts'
import type { Figure } from '../figure.ts'
import { command, createToFirstByte, never, requests, spawnToFirstByte } from '../first-byte.ts'
import { bareRuntimes, runscDo } from '../installed.ts'
import { inTurns, type Summary, summarize } from '../stats.ts'

const spread = ({ n, p50, p90, min, max }: Summary): string =>
  `p50 ${p50.toFixed(0)} ms, p90 ${p90.toFixed(0)}, ${min.toFixed(0)}…${max.toFixed(0)}, n=${n}`

/** Create → first byte of a command's output, without a pool, against the plainest way to get the same. */
export async function withoutPool(): Promise<Figure[]> {
  await using product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
  await using bare = await bareRuntimes()
  const cold = async () => {
    const started = performance.now()
    await using kernel = await bare.qemu.boot(bareSpec(bare.folder, 'emulated'), never)
    await kernelFirstByte(kernel)
    return performance.now() - started
  }
  const gvisor = await inTurns(30, {
    create: () => createToFirstByte(product.client, requests.gvisor),
    runsc: () => spawnToFirstByte(runscDo(command)),
  })
  const qemu = await inTurns(8, { cold, create: () => createToFirstByte(product.client, requests.qemu) })
  const clones = summarize(await repeat(30, () => createToFirstByte(product.client, requests.qemu)))
  return [
    {
      name: 'gVisor: create → first byte, no pool ÷ runsc do',
      value: gvisor.create.p50 / gvisor.runsc.p50,
      unit: 'ratio',
      target: { atMost: 1.3 },
      detail: `create ${spread(gvisor.create)}; runsc do ${spread(gvisor.runsc)}`,
    },
    {
      name: 'QEMU emulated: clone → first byte ÷ cold boot → first byte',
      value: qemu.create.p50 / qemu.cold.p50,
      unit: 'ratio',
      target: { atMost: 0.1 },
      detail: `clone ${spread(qemu.create)}; cold ${spread(qemu.cold)}`,
      withKvm: 'the cold boot shrinks tenfold, so this ratio grows; what counts then is the clone’s own time',
    },
    {
      name: 'QEMU emulated: clone → first byte, p50',
      value: clones.p50,
      unit: 'ms',
      target: { atMost: 350 },
      detail: spread(clones),
      withKvm: 'what runs in the guest (agent, command) is a fifth of it',
    },
  ]
}

/** Create → first byte when a sandbox was made in advance. */
export async function withPool(): Promise<Figure[]> {
  await using product = await openProduct({ BULKHEAD_POOL_SIZE: '2' })
  const figures: Figure[] = []
  for (const [runtime, request] of Object.entries(requests)) {
    await createToFirstByte(product.client, request)
    const taken: number[] = []
    for (let turn = 0; turn < 30; turn++) {
      await refilled()
      taken.push(await createToFirstByte(product.client, request))
    }
    const summary = summarize(taken)
    figures.push({
      name: `${runtime === 'qemu' ? 'QEMU emulated' : 'gVisor'}: create → first byte, with a pool, p50`,
      value: summary.p50,
      unit: 'ms',
      target: { atMost: runtime === 'qemu' ? 80 : 40 },
      detail: spread(summary),
      ...(runtime === 'qemu' && { withKvm: 'the command itself starts ten times faster' }),
    })
  }
  return figures
}

/** Long enough for the pool of two to be filled again on this machine; what is measured comes after. */
const refilled = () => sleep(1500)

async function repeat(times: number, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let turn = 0; turn < times; turn++) values.push(await measure())
  return values
}
