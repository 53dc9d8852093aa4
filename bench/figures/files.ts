import { openProduct } from '../../test/support/product.ts'
import type { Figure } from '../figure.ts'
import { MiB, requests } from '../first-byte.ts'
import { timed } from '../stats.ts'

const size = 128 * MiB

/**
 * A file in and out, against what the same sandbox's channel carries without a file behind it: zeros to and from /dev/null and
 * /dev/zero through the same session.
 */
export async function files(): Promise<Figure[]> {
  await using product = await openProduct({ BULKHEAD_POOL_SIZE: '0' })
  const figures: Figure[] = []
  for (const [runtime, request] of Object.entries(requests)) {
    const sandbox = await product.client.sandboxes.create({ ...request, memoryBytes: 512 * MiB })
    const content = new Uint8Array(size).fill(0x62)
    const rate = async (work: () => Promise<unknown>) => size / MiB / ((await timed(work)) / 1000)
    const drain = async (bytes: AsyncIterable<Uint8Array>) => {
      let count = 0
      for await (const chunk of bytes) count += chunk.byteLength
      if (count !== size) throw new Error(`${count} bytes instead of ${size}`)
    }
    await rate(() => sandbox.files.write('/home/user/file', content))
    const fileIn = await rate(() => sandbox.files.write('/home/user/file', content))
    const fileOut = await rate(async () => drain(await sandbox.files.readStream('/home/user/file')))
    const channelOut = await rate(async () => {
      const process = await sandbox.start(['head', '-c', `${size}`, '/dev/zero'])
      await drain(process.stdout)
    })
    const channelIn = await rate(async () => {
      const process = await sandbox.start(['sh', '-c', 'cat >/dev/null'], { stdin: true })
      for (let at = 0; at < size; at += MiB) await process.write(content.subarray(at, at + MiB))
      await process.closeStdin()
      await process.exit
    })
    await sandbox.delete()
    const name = runtime === 'qemu' ? 'QEMU emulated' : 'gVisor'
    for (const [way, file, channel] of [
      ['in', fileIn, channelIn],
      ['out', fileOut, channelOut],
    ] as const)
      figures.push({
        name: `${name}: file ${way} ÷ channel`,
        value: file / channel,
        unit: 'ratio',
        target: { atLeast: 0.6 },
        detail: `file ${file.toFixed(0)} MB/s, stream without a file ${channel.toFixed(0)} MB/s, ${size / MiB} MB`,
      })
  }
  return figures
}
