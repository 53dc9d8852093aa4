import { readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '../..')

export interface Example {
  readonly command: string
  readonly output: string
}

/** The fenced blocks of a page in that language. */
export function blocksIn(page: string, language: string): string[] {
  const text = readFileSync(path.join(root, page), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, found]) => found === language)
    .map(([, , block]) => block as string)
}

/** The examples of a page: in ```console blocks, a line that starts with `$ ` and what it prints. */
export function examplesIn(page: string): Example[] {
  return blocksIn(page, 'console').flatMap((block) =>
    `\n${block}`
      .split('\n$ ')
      .slice(1)
      .map((part) => {
        const [command = '', ...output] = part.split('\n')
        return { command, output: output.join('\n') }
      })
  )
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * What an example prints, as a pattern: `…` is anything within a line, and a line of it alone any number of lines; how wide a column is does not
 * matter.
 */
export function patternOf(output: string): RegExp {
  const lines = output
    .trimEnd()
    .split('\n')
    .map((line) =>
      line === '…'
        ? '(?:.*\\n)*?'
        : `${line
            .trimEnd()
            .split(/\s+/)
            .map((word) => word.split('…').map(literally).join('.*'))
            .join('\\s+')}\\s*\\n`
    )
  return new RegExp(output.trim() === '' ? '^$' : `^${lines.join('')}$`)
}
