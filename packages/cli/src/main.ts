/** The command line's entry. Commands are loaded when they are called: what is not needed costs nothing. */
import { bundleEntry, hasBundle } from './bundle/bundle.ts'
import { sourceDirectory } from './source-directory.ts'

const { runProgram }: typeof import('./program.ts') = hasBundle(sourceDirectory)
  ? await import(bundleEntry(sourceDirectory))
  : await import('./program.ts')

process.exitCode = await runProgram(process.argv.slice(2))
