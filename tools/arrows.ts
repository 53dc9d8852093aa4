/**
 * Checks which part of the repository may import which, over every import in it, type-only ones too.
 * An arrow that is not listed is forbidden; each listed one has its reason. Also finds cycles between files.
 *
 *   node tools/arrows.ts
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseSync } from 'oxc-parser'

const root = path.resolve(import.meta.dirname, '..')

/** What each package may import of the others, and why. */
const allowed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  wire: {},
  sandbox: { wire: 'the domain speaks in the types that leave the process' },
  witness: { wire: 'evidence is part of the control API' },
  kernel: {
    wire: 'errors, and the guest agent’s RPC definitions',
    witness: 'a running kernel gives its host-side evidence',
  },
  images: { wire: 'errors and progress events' },
  engine: {
    wire: 'errors and types',
    sandbox: 'it is a Backend',
    kernel: 'it starts kernels',
    images: 'it starts them from images',
    witness: 'it compares the host’s view with the inside’s',
  },
  kubernetes: {
    wire: 'errors that reach a user',
    sandbox: 'it is a Backend',
    kernel: 'the way to a guest agent, with the same bounds for what a hostile one may do',
    witness: 'the witness on a node looks at its runtime and its processes',
  },
  server: { wire: 'schemas and errors', sandbox: 'it stands in front of any Backend, and knows none' },
  sdk: { wire: 'the SDK runs in browsers: what it shares with the server lies in wire' },
  cli: {
    wire: 'errors and types',
    sandbox: 'types of the Backend it wires',
    kernel: 'the only place that wires parts together',
    images: 'the only place that wires parts together',
    engine: 'the only place that wires parts together',
    kubernetes: 'it prints what is installed into a cluster, says what one lacks, and asks its operator for things',
    server: 'the only place that wires parts together',
    sdk: 'it is a client',
    witness: 'doctor shows what the host can witness',
  },
}

/** Built-in modules a package must do without. */
const withoutNode: Readonly<Record<string, { except: RegExp; why: string }>> = {
  wire: { except: /^$/, why: 'read by browsers' },
  sdk: { except: /^packages\/sdk\/src\/node(\.ts$|\/)/, why: 'runs in browsers; only its ./node export knows Node' },
}

interface Import {
  readonly from: string
  readonly specifier: string
  readonly line: number
}

function importsOf(file: string): Import[] {
  const source = readFileSync(path.join(root, file), 'utf8')
  const { module } = parseSync(file, source)
  const found = [
    ...module.staticImports.map((i) => ({ specifier: i.moduleRequest.value, at: i.start })),
    ...module.staticExports.flatMap((e) =>
      e.entries.flatMap((entry) => (entry.moduleRequest ? [{ specifier: entry.moduleRequest.value, at: e.start }] : []))
    ),
    ...module.dynamicImports.flatMap((i) => {
      const literal = /^['"](.*)['"]$/.exec(source.slice(i.moduleRequest.start, i.moduleRequest.end))
      return literal?.[1] ? [{ specifier: literal[1], at: i.start }] : []
    }),
  ]
  return found.map(({ specifier, at }) => ({ from: file, specifier, line: source.slice(0, at).split('\n').length }))
}

const packageOf = (file: string): string | undefined => /^packages\/([^/]+)\//.exec(file)?.[1]
const isTest = (file: string): boolean => /\.test\.ts$|^packages\/[^/]+\/test\//.test(file)

function problemsOf({ from, specifier, line }: Import): string[] {
  const home = packageOf(from)
  if (!home) return []
  const at = `${from}:${line}`
  const rules = allowed[home]
  if (!rules) return [`${at}: the package "${home}" has no line in tools/arrows.ts: say what it may import, and why`]
  const foreign = /^@bulkhead\/([^/]+)/.exec(specifier)?.[1]
  if (foreign) {
    return foreign === home || rules[foreign]
      ? []
      : [`${at}: ${home} must not import ${specifier} (allowed: ${Object.keys(rules).join(', ') || 'none'})`]
  }
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(from), specifier)
    return packageOf(target) === home ? [] : [`${at}: ${specifier} reaches into another part; import it by its package`]
  }
  const bare = withoutNode[home]
  if (specifier.startsWith('node:') && bare && !bare.except.test(from) && !isTest(from))
    return [`${at}: ${home} must not import ${specifier}: ${bare.why}`]
  return []
}

/** Cycles between files by value or type: a depth-first walk that reports each closing edge once. */
function cyclesIn(imports: Import[]): string[] {
  const edges = Map.groupBy(
    imports.filter((i) => i.specifier.startsWith('.')),
    (i) => i.from
  )
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const walk = (file: string, trail: string[]) => {
    state.set(file, 'open')
    for (const { specifier } of edges.get(file) ?? []) {
      const target = path.posix.join(path.posix.dirname(file), specifier)
      if (state.get(target) === 'open')
        found.push(`cycle: ${[...trail.slice(trail.indexOf(target)), target].join(' → ')}`)
      else if (!state.has(target)) walk(target, [...trail, target])
    }
    state.set(file, 'done')
  }
  for (const file of edges.keys()) if (!state.has(file)) walk(file, [file])
  return found
}

const files = globSync('packages/*/{src,test}/**/*.ts', { cwd: root }).map((file) => file.split(path.sep).join('/'))
const imports = files.flatMap(importsOf)
const problems = [...imports.flatMap(problemsOf), ...cyclesIn(imports)]
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.stdout.write(`${files.length} files, ${imports.length} imports, ${problems.length} forbidden\n`)
process.exitCode = problems.length === 0 ? 0 : 1
