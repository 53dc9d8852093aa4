import { dump } from 'js-yaml'
import { why } from './access.ts'
import type { Manifest } from './manifest.ts'

const width = 120

/** As documents that `kubectl apply -f -` reads. The rules of roles are explained in comments. */
export const toYaml = (manifests: readonly Manifest[]): string =>
  manifests.map((manifest) => `---\n${document(manifest)}`).join('')

interface ExplainedRule {
  readonly [why]?: string
}

function document(manifest: Manifest): string {
  const { rules, ...rest } = manifest as Manifest & { readonly rules?: readonly ExplainedRule[] }
  if (!rules) return yaml(manifest)
  return `${yaml(rest)}rules:\n${rules.map((rule) => `${comment(rule[why])}${yaml([rule], 2)}`).join('')}`
}

function yaml(value: unknown, indent = 0): string {
  // Not folded: a description stays one line, and a diff shows what has changed in it.
  const text = dump(value, { noRefs: true, lineWidth: -1 })
  return indent === 0 ? text : text.replaceAll(/^(?=.)/gm, ' '.repeat(indent))
}

function comment(text = ''): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width - 4) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => `  # ${line}\n`).join('')
}
