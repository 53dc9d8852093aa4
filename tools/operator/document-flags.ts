/** Writes the flags into docs/kubernetes/operator.md. Usage: node tools/operator/document-flags.ts */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { flagTables } from '../../packages/kubernetes/src/operator/flags/flag-help.ts'
import { flagGroups } from '../../packages/kubernetes/src/operator/flags/operator-flags.ts'

const file = path.resolve(import.meta.dirname, '../../docs/kubernetes/operator.md')
const [before, , after] = readFileSync(file, 'utf8').split(/(?<=<!-- flags -->\n)([\s\S]*)(?=<!-- end of flags -->)/)
if (before === undefined || after === undefined) throw new Error(`${file} has no place for the flags`)
writeFileSync(file, `${before}\n${flagTables(flagGroups)}\n\n${after}`)
