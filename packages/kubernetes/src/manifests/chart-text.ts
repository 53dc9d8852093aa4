/**
 * Marks a place of an object where the chart has an expression of Helm’s. As an object’s text is YAML, and most expressions are not, they are put in
 * afterwards, by {@link withExpressions}.
 */
export const chartPlace = {
  /** A value as it is: `replicas: {{ .Values.replicas }}`. Within other text write the expression itself. */
  value: (expression: string): string => `⟦value ${expression}⟧`,
  /** A member that is there with whatever the chart’s user gives. */
  block: (expression: string): string => `⟦block ${expression}⟧`,
  /** A member that is there when the chart’s user gives something. */
  optional: (expression: string): string => `⟦optional ${expression}⟧`,
  /** An item of a list that is there under a condition. */
  itemIf: (condition: string, text: string): string => `⟦if ${condition}⟧${text}`,
  /** Items of a list, one for each that the chart’s user gives. */
  items: (expression: string): string => `⟦items ${expression}⟧`,
}

/** One line each, so that what is put in may be several. */
const forms: readonly [RegExp, (match: readonly string[]) => string][] = [
  [
    /^( *)([\w.-]+): '?⟦block (.+?)⟧'?$/gm,
    ([, indent = '', key, expression]) => `${indent}${key}:\n${toYaml(expression, indent)}`,
  ],
  [
    /^( *)([\w.-]+): '?⟦optional (.+?)⟧'?$/gm,
    ([, indent = '', key, expression]) =>
      `${indent}{{- with ${expression} }}\n${indent}${key}:\n${toYaml('.', indent)}\n${indent}{{- end }}`,
  ],
  [
    /^( *)- '?⟦if (.+?)⟧(.+?)'?$/gm,
    ([, indent, condition, text]) => `${indent}{{- if ${condition} }}\n${indent}- ${text}\n${indent}{{- end }}`,
  ],
  [
    /^( *)- '?⟦items (.+?)⟧'?$/gm,
    ([, indent, expression]) => `${indent}{{- range ${expression} }}\n${indent}- {{ . | quote }}\n${indent}{{- end }}`,
  ],
  [/'?⟦value (.+?)⟧'?/gm, ([, expression]) => `{{ ${expression} }}`],
]

const toYaml = (expression: string | undefined, indent: string): string =>
  `${indent}  {{- toYaml ${expression} | nindent ${indent.length + 2} }}`

/** The text of objects, with expressions where places were marked. */
export const withExpressions = (yaml: string): string =>
  forms.reduce((text, [form, put]) => text.replaceAll(form, (...match) => put(match)), yaml)
