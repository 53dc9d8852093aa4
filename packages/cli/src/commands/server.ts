import { closeSync, writeSync } from 'node:fs'
import type { CommandContext } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { data, json, talk } from '../output/streams.ts'
import { listens } from '../server/ensure-server.ts'
import { readServerRecord } from '../server/server-record.ts'
import { reportDescriptor, type StartReport } from '../server/spawn-server.ts'

/** `bulkhead server start`: in the foreground; a command that needs one starts it in the background. */
export async function serverStart(
  _args: string[],
  _options: object,
  { config, paths }: CommandContext
): Promise<number> {
  const report = process.env.BULKHEAD_REPORT_START === '1' ? reportOnce() : undefined
  delete process.env.BULKHEAD_REPORT_START
  using interruption = abortOnInterruption()
  try {
    const [{ serve }, { serveEngine }] = await Promise.all([
      import('../server/serve.ts'),
      import('../server/serve-engine.ts'),
    ])
    await serve(serveEngine(config, paths), paths, interruption.signal, () => {
      if (report) report({ ready: true })
      else talk('bulkhead: the server listens; Ctrl-C ends it, sandboxes go on')
    })
    return ExitCode.success
  } catch (error) {
    if (!report || interruption.signal.aborted) throw error
    const { serverLogger } = await import('../server/server-logger.ts')
    serverLogger(paths.serverLog).error({ err: error }, 'server.failed')
    const { toErrorBody } = await import('../output/to-error-body.ts')
    report({ error: toErrorBody(error, 'server.start') })
    return ExitCode.failed
  }
}

/** `bulkhead server status`. */
export async function serverStatus(
  _args: string[],
  options: { json?: boolean },
  { paths }: CommandContext
): Promise<number> {
  const running = await listens(paths.serverSocket)
  const record = running ? readServerRecord(paths.serverRecord) : undefined
  const status = { running, ...record, socket: paths.serverSocket, state: paths.state, log: paths.serverLog }
  if (options.json) json(status)
  else
    data(
      Object.entries(status)
        .map(([key, value]) => `${key}\t${value}\n`)
        .join('')
    )
  return running ? ExitCode.success : ExitCode.failed
}

/** `bulkhead server stop`. One that does not run is stopped. */
export async function serverStop(_args: string[], _options: object, { paths }: CommandContext): Promise<number> {
  using interruption = abortOnInterruption()
  const { requestShutdown } = await import('../server/request-shutdown.ts')
  await requestShutdown(paths.serverSocket, interruption.signal)
  return ExitCode.success
}

function reportOnce(): (report: StartReport) => void {
  return (report) => {
    try {
      writeSync(reportDescriptor, `${JSON.stringify(report)}\n`)
    } catch (error) {
      // Who started us has gone; the server is no less ready for that.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    }
    closeSync(reportDescriptor)
  }
}
