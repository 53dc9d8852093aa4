import { isFailure } from '@bulkhead/wire/errors'
import { ExitCode, exitCodeOfSignal } from '../exit-code.ts'
import { talk } from '../output/streams.ts'
import { ReaderGone } from './output-sink.ts'

const SIGPIPE = 13

/** What container tools answer when it is not the command that failed; anything else is thrown on. */
export function ownExitCode(error: unknown): number {
  if (error instanceof ReaderGone) return exitCodeOfSignal(SIGPIPE)
  if (isFailure(error, 'command_not_found')) return tell(error, ExitCode.notFound)
  if (isFailure(error, 'command_not_executable')) return tell(error, ExitCode.notExecutable)
  throw error
}

function tell(error: Error, code: number): number {
  talk(`bulkhead: ${error.message}`)
  return code
}
