/** Preloaded by a process whose memory is measured: writes its largest resident size, in KiB, to BENCH_PEAK_MEMORY when it ends. */
import { writeFileSync } from 'node:fs'

const to = process.env.BENCH_PEAK_MEMORY
if (!to) throw new Error('BENCH_PEAK_MEMORY is not set')
process.on('exit', () => writeFileSync(to, `${process.resourceUsage().maxRSS}`))
