import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { bareSpec } from '../bare-kernel.ts'
import type { Figure } from '../figure.ts'
import { never } from '../first-byte.ts'
import { bareRuntimes } from '../installed.ts'
import { summarize, timed } from '../stats.ts'

const calls = 1000

/** An empty call (`GET /health`) on an open HTTP/2 session to the guest agent. */
export async function roundTrip(): Promise<Figure[]> {
  await using bare = await bareRuntimes()
  const figures: Figure[] = []
  for (const [name, runtime, isolation, atMost] of [
    ['gVisor', bare.gvisor, 'userspace', 0.5],
    ['QEMU emulated', bare.qemu, 'emulated', 3],
  ] as const) {
    await using kernel = await runtime.boot(bareSpec(bare.folder, isolation), never)
    const session = await kernel.channel(never)
    for (let call = 0; call < 100; call++) await emptyCall(session)
    const values: number[] = []
    for (let call = 0; call < calls; call++) values.push(await timed(() => emptyCall(session)))
    const { p50, p90, p99 } = summarize(values)
    figures.push({
      name: `${name}: round trip of an empty call, p50`,
      value: p50,
      unit: 'ms',
      target: { atMost },
      detail: `p50 ${p50.toFixed(2)} ms, p90 ${p90.toFixed(2)}, p99 ${p99.toFixed(2)}, n=${calls}`,
      ...(isolation === 'emulated' && { withKvm: 'most of it is emulated instructions: expect a tenth' }),
    })
  }
  return figures
}

async function emptyCall(session: ClientHttp2Session): Promise<void> {
  const stream = session.request({ ':path': '/health' })
  stream.resume()
  await once(stream, 'end')
}
