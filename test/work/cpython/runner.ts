import path from 'node:path'

/** The program that runs modules and says what became of each test; see its own words. */
export const runner = path.join(import.meta.dirname, 'run_modules.py')
