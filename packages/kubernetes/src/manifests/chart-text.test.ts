import { expect, it } from 'vitest'
import { chartPlace as place, withExpressions } from './chart-text.ts'

it.each([
  ['a value', `spec:\n  replicas: ${place.value('.Values.replicas')}\n`, 'spec:\n  replicas: {{ .Values.replicas }}\n'],
  ['a quoted value', `a: '${place.value('.V')}'\n`, 'a: {{ .V }}\n'],
  ['a block', `  resources: ${place.block('.V')}\n`, '  resources:\n    {{- toYaml .V | nindent 4 }}\n'],
  [
    'something optional',
    `  affinity: ${place.optional('.V')}\n`,
    '  {{- with .V }}\n  affinity:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n',
  ],
  ['an item', `  - ${place.itemIf('.V', '--a={{ .V }}')}\n`, '  {{- if .V }}\n  - --a={{ .V }}\n  {{- end }}\n'],
  ['items', `  - ${place.items('.V')}\n`, '  {{- range .V }}\n  - {{ . | quote }}\n  {{- end }}\n'],
  ['none', "a: '{{ .V }}'\n", "a: '{{ .V }}'\n"],
])('puts in %s', (_, yaml, text) => {
  expect(withExpressions(yaml)).toBe(text)
})
