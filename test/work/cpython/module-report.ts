/** What became of one test. `hung`: its process ended, or had to be ended, in the middle of it. */
export type Outcome = 'passed' | 'skipped' | 'failed' | 'hung'

/** One module, as `run_modules.py` reports it. */
export interface ModuleReport {
  readonly module: string
  /** How its process ended: `exited 0`, `killed by signal 9`. */
  readonly end: string
  readonly seconds: number
  /** By the test's id, with the reason where it did not pass. */
  readonly outcomes: Readonly<Record<string, readonly [Outcome, string]>>
  /** The last of its output, when it did not end well. */
  readonly said: string
}

/** What to run of a module: all of it but what is left out, or only what is named. Patterns as regrtest's --match and --ignore take them. */
export interface ModulePlan {
  readonly name: string
  readonly only?: readonly string[]
  readonly without?: readonly string[]
}

export interface Plan {
  readonly modules: readonly ModulePlan[]
  /** How many at a time. Many tests only wait. */
  readonly jobs: number
  /** The most one module may take. */
  readonly seconds: number
}

/** `output`: one JSON object per line. What is no such line is a mistake of the runner's, and is told as it stands. */
export function readReports(output: string): ModuleReport[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return JSON.parse(line) as ModuleReport
      } catch {
        throw new Error(`the runner of the modules said: ${line.slice(0, 500)}`)
      }
    })
}
