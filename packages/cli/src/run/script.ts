import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, extname, isAbsolute, relative, resolve, sep } from 'node:path'

/** A local script that stands where the command would: it has to get into the sandbox first. */
export interface Script {
  /** Absolute path on this machine. */
  readonly path: string
  /** What runs it; undefined: its own `#!` line. */
  readonly interpreter: readonly string[] | undefined
}

const interpreters: Readonly<Record<string, readonly string[]>> = {
  '.py': ['python3'],
  '.js': ['node'],
  '.mjs': ['node'],
  '.cjs': ['node'],
  '.sh': ['bash'],
}

/**
 * Whether the command's first word is a script of this machine: an existing file with a known suffix, or one given with a relative path
 * (`./build`) that starts with `#!`. A bare name or an absolute path without suffix means a program of the sandbox, even where this machine has a
 * file of that name.
 */
export async function findScript(word: string, cwd = process.cwd()): Promise<Script | undefined> {
  const interpreter = interpreters[extname(word).toLowerCase()]
  if (!interpreter && (isAbsolute(word) || !word.includes('/'))) return undefined
  const path = resolve(cwd, word)
  if (!(await isFile(path))) return undefined
  if (interpreter) return { path, interpreter }
  return (await startsWithShebang(path)) ? { path, interpreter: undefined } : undefined
}

/** Where scripts go that are not part of an uploaded folder. */
export const scriptFolder = '/tmp/bulkhead'

/** The words that run the script in the sandbox. Inside the uploaded folder it stays where it is, so that what it imports is found. */
export function placeScript(
  script: Script,
  uploaded: string | undefined
): { words: readonly string[]; upload: boolean } {
  const inside = uploaded === undefined ? undefined : relative(resolve(uploaded), script.path)
  const isInside =
    inside !== undefined && inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)
  const path = isInside ? `./${inside}` : `${scriptFolder}/${basename(script.path)}`
  return { words: [...(script.interpreter ?? []), path], upload: !isInside }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ERR_INVALID_ARG_VALUE')
      return false
    throw error
  }
}

async function startsWithShebang(path: string): Promise<boolean> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.toString('latin1') === '#!'
  } finally {
    await file?.close()
  }
}
