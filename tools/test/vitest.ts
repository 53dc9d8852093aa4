import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type Outcome, runProgram, type Step } from './step.ts'

/** The slice of Vitest's JSON report that is read. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

const mostReasonLines = 30

/** One Vitest run; each of its tests counts. A file that could not be loaded, and a run without a test, are failures. */
export function vitest(
  name: string,
  project: 'unit' | 'real' | 'across' | 'control-plane' | 'cluster',
  ...filters: string[]
): Step {
  return {
    name,
    run: async (context) => {
      const reportFile = path.join(context.logs, `${name}.json`)
      rmSync(reportFile, { force: true })
      const { exitCode, logFile } = await runProgram(
        name,
        [
          process.execPath,
          path.join(context.root, 'node_modules/vitest/vitest.mjs'),
          'run',
          `--project=${project}`,
          '--reporter=default',
          '--reporter=json',
          `--outputFile.json=${reportFile}`,
          ...filters,
        ],
        context
      )
      return summarize(name, exitCode, logFile, reportFile)
    },
  }
}

function summarize(name: string, exitCode: number, logFile: string, reportFile: string): Outcome {
  let report: Report
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report
  } catch {
    return { passed: 0, failed: 1, failures: [`${name}: no report (exit code ${exitCode}), see ${logFile}`] }
  }
  const failures = report.testResults.flatMap((file) => {
    const tests = file.assertionResults.filter((test) => test.status === 'failed')
    if (tests.length === 0 && file.status === 'failed') return [`${file.name}: ${file.message.split('\n')[0]}`]
    return tests.map((test) => [`${path.basename(file.name)}: ${test.fullName}`, ...reasonsOf(test)].join('\n'))
  })
  const ran = report.numPassedTests + report.numFailedTests
  if (ran === 0) failures.push(`${name}: ran no test, see ${logFile}`)
  else if (exitCode !== 0 && failures.length === 0) failures.push(`${name}: exit code ${exitCode}, see ${logFile}`)
  return { passed: report.numPassedTests, failed: failures.length, failures }
}

/** What was wrong, without the stack, which is in the log. */
function reasonsOf({ failureMessages }: Report['testResults'][number]['assertionResults'][number]): string[] {
  return (failureMessages ?? [])
    .flatMap((message) => message.split('\n').filter((line) => !/^\s+at /.test(line)))
    .slice(0, mostReasonLines)
}
