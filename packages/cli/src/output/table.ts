import { printable } from './printable.ts'

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
}

/** A table with titles for a terminal; tab-separated values without titles for a pipe. Control characters are blanked in both. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { terminal: boolean }
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))))
  if (!options.terminal) return cells.map((row) => `${row.join('\t')}\n`).join('')
  const lines = [columns.map((column) => column.title), ...cells]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => width(line[at] ?? ''))))
  return lines
    .map((line) => line.map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - width(cell))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

/** Code points; wide characters are not accounted for. */
const width = (text: string): number => [...text].length
