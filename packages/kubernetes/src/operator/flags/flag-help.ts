import type { Flag, FlagTable } from './flag-syntax.ts'

type Groups = Readonly<Record<string, FlagTable>>

/** The text of --help. */
export function flagHelp(program: string, groups: Groups): string {
  const sections = Object.entries(groups).map(([title, table]) => {
    const lines = Object.entries(table).map(([name, flag]) => {
      const { kind, help, noEffect } = flag
      return `  --${name} ${kind.name}${defaultOf(flag, ' (default ', ')')}\n        ${help}${noEffect ? ` No effect: ${noEffect}.` : ''}`
    })
    return `${title}:\n${lines.join('\n')}`
  })
  return `Usage: ${program} [flags]\n\nOne dash or two; --name=value, --name value, or --name alone for a bool.\n\n${sections.join('\n\n')}\n`
}

/** The tables of docs/kubernetes/operator.md. */
export function flagTables(groups: Groups): string {
  const sections = Object.entries(groups).map(([title, table]) => {
    const rows = Object.entries(table).map(([name, flag]) => {
      const { kind, help, noEffect } = flag
      const meaning = `${help}${noEffect ? ` *No effect: ${noEffect}.*` : ''}`
      const cells = [`\`${name}\``, escaped(kind.name), defaultOf(flag, '`', '`'), escaped(meaning)]
      return `| ${cells.join(' | ')} |`
    })
    return `### ${title}\n\n| flag | kind | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}`
  })
  return sections.join('\n\n')
}

function defaultOf({ kind, default: value }: Flag<unknown>, before: string, after: string): string {
  const written = kind.format(value)
  return written === '' ? '' : `${before}${written}${after}`
}

const escaped = (cell: string): string => cell.replaceAll('|', '\\|')
