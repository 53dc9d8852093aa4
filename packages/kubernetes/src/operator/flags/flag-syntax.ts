import { failure } from '@bulkhead/wire'
import type { FlagKind } from './go-values.ts'

export interface Flag<Value> {
  readonly kind: FlagKind<Value>
  readonly default: Value
  /** What it does: one sentence, for --help and the documentation. */
  readonly help: string
  /** What is wrong with a value of the right kind. */
  readonly problem?: (value: Value) => string | undefined
  /** Accepted because that API's own controller has it: why it changes nothing here. */
  readonly noEffect?: string
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds flags of all kinds; each line keeps its own.
export type FlagTable = Readonly<Record<string, Flag<any>>>

export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never
}

const invalid = (field: string, problem: string) => failure('invalid_request', { field, problem })

/**
 * Reads a command line as Go's `flag` package does: one dash or two, `--name=value`, `--name value`, a bare `--name` for a boolean; the last of
 * several counts. Unlike it, what is left over is refused, because there it would silently end the flags (`--leader-elect false --extensions`).
 *
 * Written here: the parsers for Node (commander, yargs, minimist, util.parseArgs) follow POSIX, where `-name` are four letters and `-1.000000` is a flag.
 *
 * `ignored`: flags that begin so are read and forgotten. Fails `invalid_request`.
 */
export function parseFlags<Table extends FlagTable>(
  table: Table,
  args: readonly string[],
  ignored: readonly string[] = []
): FlagValues<Table> {
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, flag]) => [name, flag.default])
  )
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string
    if (arg === '--' && at === args.length - 1) break
    const [, name, assigned] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (name === undefined) throw invalid(arg, 'is not a flag; a boolean is set as in --leader-elect=false')
    const flag = Object.hasOwn(table, name) ? table[name] : undefined
    if (!flag) {
      if (!ignored.some((prefix) => name.startsWith(prefix)))
        throw invalid(`--${name}`, 'there is no such flag; --help lists them')
      // Nobody knows its kind: a value of its own does not look like a flag.
      if (assigned === undefined && args[at + 1]?.startsWith('-') === false) at++
      continue
    }
    const given = assigned ?? (flag.kind.name === 'bool' ? 'true' : args[++at])
    if (given === undefined) throw invalid(`--${name}`, `needs a value (${flag.kind.name})`)
    const value = flag.kind.parse(given)
    if (value === undefined) throw invalid(`--${name}`, `${JSON.stringify(given)} is not of the kind ${flag.kind.name}`)
    const problem = flag.problem?.(value)
    if (problem) throw invalid(`--${name}`, problem)
    values[name] = value
  }
  return Object.freeze(values) as FlagValues<Table>
}
