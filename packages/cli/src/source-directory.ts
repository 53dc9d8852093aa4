import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout that this file is in, four levels up: also when it was bundled, see `bundle/`. */
export const sourceDirectory = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
