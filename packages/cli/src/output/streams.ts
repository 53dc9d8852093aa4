/** Data goes to stdout, talk to stderr. */
export const data = (text: string): void => void process.stdout.write(text)
export const talk = (text: string): void => void process.stderr.write(`${text}\n`)
export const json = (value: unknown): void => data(`${JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0)}\n`)
