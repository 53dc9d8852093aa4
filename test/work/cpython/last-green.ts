import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../../..')
/** Beside what was set up, which is what the result depends on: a checkout may be new each time. */
const fileFor = (installation: string) => path.join(path.dirname(installation), 'tests', 'cpython-green.json')

/**
 * What the result depends on: kernels, guest agent, the image (its digest), how kernels are started, and these tests. A host of another
 * kernel is another host.
 */
export function keyOf(installation: string, imageDigest: string, hostKernel: string): string {
  const record = JSON.parse(readFileSync(installation, 'utf8')) as Record<
    'runsc' | 'agent' | 'kernelImage' | 'initrd',
    string
  >
  const { versions } = record as unknown as { versions: Record<string, string> }
  const hash = createHash('sha256').update(JSON.stringify([imageDigest, hostKernel, versions['qemu-system-x86_64']]))
  const built = [record.runsc, record.agent, record.kernelImage, record.initrd]
  const sources = globSync(['test/work/**/*.{ts,py}', 'packages/kernel/src/**/*.ts'], { cwd: root })
    .filter((name) => !name.endsWith('.test.ts') || name.startsWith('test/work'))
    .sort()
    .map((name) => path.join(root, name))
  for (const name of [...built, ...sources]) hash.update(readFileSync(name))
  return hash.digest('hex')
}

/** Whether everything was green with this key the last time. */
export function wasGreen(installation: string, key: string): boolean {
  try {
    return (JSON.parse(readFileSync(fileFor(installation), 'utf8')) as { key: string }).key === key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return false
    throw error
  }
}

export function rememberGreen(installation: string, key: string): void {
  const file = fileFor(installation)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ key }))
}
