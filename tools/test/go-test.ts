import { readFileSync } from 'node:fs'
import path from 'node:path'
import { runProgram, type Step } from './step.ts'

interface Event {
  readonly Action: string
  readonly Package?: string
  readonly Test?: string
}

/** `go test -json` over a module; each top-level test counts, and a package that does not build is a failure. */
export function goTest(name: string, directory: string, go: string): Step {
  return {
    name,
    run: async (context) => {
      const { exitCode, logFile } = await runProgram(name, [go, 'test', '-json', './...'], {
        ...context,
        root: path.join(context.root, directory),
        // As what is tested is built: with cgo in it a process cannot change the rights of all its threads.
        env: { ...context.env, CGO_ENABLED: '0' },
      })
      const events = readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Event)
      const ended = (action: string) => events.filter((e) => e.Action === action && e.Test && !e.Test.includes('/'))
      const failedPackages = new Set(events.filter((e) => e.Action === 'fail').map((e) => e.Package))
      const failures = ended('fail').map((e) => `${e.Package}: ${e.Test}`)
      for (const failed of failedPackages)
        if (!failures.some((f) => f.startsWith(`${failed}:`)))
          failures.push(`${failed}: does not build or was ended, see ${logFile}`)
      if (exitCode !== 0 && failures.length === 0) failures.push(`${name}: exit code ${exitCode}, see ${logFile}`)
      return { passed: ended('pass').length, failed: failures.length, failures }
    },
  }
}
