import { statSync } from 'node:fs'
import { isFilled } from './is-filled.ts'

/** A file with something in it that everybody may execute: kernels run it under uids of their own. */
export const isProgram = (path: string): boolean => isFilled(path) && (statSync(path).mode & 0o111) === 0o111
