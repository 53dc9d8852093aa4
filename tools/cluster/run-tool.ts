import { execFile } from 'node:child_process'
import { failure } from '@bulkhead/wire/errors'
import { findProgram } from '../../packages/cli/src/setup/host.ts'

/** Programs of the host are found here, whatever the caller's PATH is. */
const folders = '/usr/sbin:/usr/bin:/sbin:/bin'
/** No output that is read is anywhere near. */
const maxOutputBytes = 16 * 1024 * 1024
/** Of what a program complained about; the end says most. */
const keptCharacters = 2_000

/** Runs a short program of the host and returns its standard output. Fails `host_tool_failed`. `signal`: ends it. */
export function runTool(argv: readonly [string, ...string[]], signal?: AbortSignal): Promise<string> {
  const [name, ...args] = argv
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(
    toolPath(name),
    args,
    { env: { PATH: folders, LC_ALL: 'C' }, cwd: '/', maxBuffer: maxOutputBytes, signal, killSignal: 'SIGKILL' },
    (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      if (signal?.aborted) return reject(signal.reason)
      const detail = stderr.trim().slice(-keptCharacters) || error.message
      reject(failure('host_tool_failed', { tool: argv.join(' '), detail }, { cause: error }))
    }
  )
  return promise
}

/** Absolute. A program that is missing fails when it is run, by its name. */
export const toolPath = (name: string): string => findProgram(name, { PATH: folders }) ?? name
