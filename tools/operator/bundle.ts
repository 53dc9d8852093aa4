/**
 * Makes operator, router and witness one file each that needs nothing but Node, for their image. The same sources give the same bytes: date and commit are
 * those of the last commit, or of the variables SOURCE_DATE_EPOCH and BULKHEAD_COMMIT where there is no repository.
 *
 *   node tools/operator/bundle.ts out
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { rolldown } from 'rolldown'

const root = path.resolve(import.meta.dirname, '../..')

/** What the files are called, and what they are made from. */
const programs = {
  'operator.mjs': 'packages/kubernetes/src/operator/main.ts',
  'router.mjs': 'packages/kubernetes/src/router/main.ts',
  'witness.mjs': 'packages/kubernetes/src/evidence/main.ts',
} as const

/** Packages of CommonJS form ask for Node's modules by `require`, which a module does not have. */
const banner = `import { createRequire as bulkheadRequire } from 'node:module'; const require = bulkheadRequire(import.meta.url);`

/**
 * Reads kubeconfigs; nine tenths of everything, and nothing to a Pod, which has its service account. It stays outside: the file reads kubeconfigs
 * where it is run beside a node_modules that has it.
 */
const kubeconfigReader = '@kubernetes/client-node'

interface Build {
  readonly version: string
  readonly commit: string
  readonly date: string
}

/** Makes the programs' files in `folder`. `signal`: looked at between them. */
export async function bundle(folder: string, signal: AbortSignal): Promise<void> {
  const build = await describeBuild(process.env)
  for (const [file, entry] of Object.entries(programs)) {
    signal.throwIfAborted()
    await bundleProgram(path.join(root, entry), path.join(folder, file), build)
  }
}

/** The file appears whole or not at all. */
async function bundleProgram(entry: string, output: string, build: Build): Promise<void> {
  const building = await rolldown({
    input: entry,
    platform: 'node',
    external: [kubeconfigReader],
    // Found here, and not through links, so that paths in comments are the same everywhere.
    cwd: root,
    transform: { define: { BULKHEAD_BUILD: JSON.stringify(build) } },
    onLog: (level, log, write) => {
      if (log.code !== 'EVAL') write(level, log)
    },
  })
  try {
    const { output: chunks } = await building.generate({
      format: 'esm',
      codeSplitting: false,
      sourcemap: false,
      minify: 'dce-only',
      banner,
    })
    if (chunks.length !== 1)
      throw new Error(`expected one file, not ${chunks.map(({ fileName }) => fileName).join(', ')}`)
    const { code } = chunks[0]
    const draft = `${output}.partial`
    await mkdir(path.dirname(output), { recursive: true })
    await rm(draft, { force: true })
    await writeFile(draft, code)
    await rename(draft, output)
  } finally {
    await building.close()
  }
}

/** Of these sources. */
async function describeBuild(env: NodeJS.ProcessEnv): Promise<Build> {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const manifest = JSON.parse(await readFile(path.join(root, 'packages/kubernetes/package.json'), 'utf8'))
  const seconds = env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct')
  return {
    version: `v${manifest.version}`,
    commit: env.BULKHEAD_COMMIT || git('rev-parse', 'HEAD'),
    date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z'),
  }
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (!folder) throw new Error('usage: node tools/operator/bundle.ts FOLDER')
  await bundle(path.resolve(folder), new AbortController().signal)
}
