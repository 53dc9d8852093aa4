/**
 * Lets the host into a cluster's network, where Pods can be reached: runs there, takes a line `HOST PORT`, answers with a line, `OK` or the code of the
 * error, and passes on what comes after.
 *
 *   node relay.ts ADDRESS     prints the port it listens on
 */
import { connect, createServer, type Socket } from 'node:net'

const server = createServer((from) => {
  let text = ''
  const onData = (chunk: Buffer) => {
    text += chunk.toString('latin1')
    const end = text.indexOf('\n')
    if (end < 0) return
    from.off('data', onData)
    from.pause()
    const [host = '', port = ''] = text.slice(0, end).split(' ')
    join(from, connect({ host, port: Number(port), noDelay: true }), Buffer.from(text.slice(end + 1), 'latin1'))
  }
  from.on('data', onData)
  from.on('error', () => {})
})

function join(from: Socket, to: Socket, rest: Buffer): void {
  to.once('error', (error: NodeJS.ErrnoException) => from.end(`${error.code}\n`))
  to.once('connect', () => {
    from.setNoDelay(true)
    from.write('OK\n')
    if (rest.length > 0) to.write(rest)
    from.pipe(to).pipe(from)
    from.once('close', () => to.destroy())
    to.once('close', () => from.destroy())
  })
}

server.listen(0, process.argv[2], () => process.stdout.write(`${(server.address() as { port: number }).port}\n`))
