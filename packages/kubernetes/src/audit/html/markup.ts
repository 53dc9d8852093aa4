import { showable } from '../showable.ts'

/** Text that is markup already. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeText = (text: string): string => showable(text).replaceAll(/[&<>"']/g, (found) => entities[found] as string)

/** Names in a cluster are chosen by its tenants: whatever is not markup is escaped, and shows nothing that cannot be seen. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  const shown = values.map((value) => {
    if (value instanceof Markup) return value.text
    return typeof value === 'object' ? value.map(({ text }) => text).join('') : escapeText(String(value))
  })
  return new Markup(parts.map((part, at) => part + (shown[at] ?? '')).join(''))
}

export const nothing = new Markup('')
