import { readFile } from 'node:fs/promises'

/** The bytes of a file of /proc as text, each byte one character: paths in there are bytes, not UTF-8. */
export const readText = (path: string): Promise<string> => readFile(path, 'latin1')

/** Turns the bytes of {@link readText} into what they mean. */
export const decodeUtf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
