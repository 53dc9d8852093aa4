import { decodeUtf8 } from './read-text.ts'

/** One line of /proc/PID/mountinfo. Source: proc_pid_mountinfo(5). */
export interface MountInfo {
  /** `major:minor` of the file system: the same number in two mount namespaces is the same file system. */
  readonly device: string
  /** The part of that file system which is mounted. */
  readonly root: string
  readonly target: string
  readonly type: string
  readonly source: string
  /** By the mount's own flag or the file system's. */
  readonly readOnly: boolean
  /** Of the file system, not the mount; for a version 1 cgroup the controllers are among them. */
  readonly superOptions: readonly string[]
}

/** `text`: one character a byte. Lines that cannot be read make it throw: a mount that is overlooked is the one that matters. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ')
      const dash = fields.indexOf('-', 6)
      const [, , device, root, target, options] = fields
      const [type, source, superOptions] = dash < 0 ? [] : fields.slice(dash + 1)
      if (device === undefined || root === undefined || target === undefined || options === undefined)
        throw malformed(line)
      if (type === undefined || source === undefined || superOptions === undefined) throw malformed(line)
      return {
        device,
        root: unescapePath(root),
        target: unescapePath(target),
        type,
        source: unescapePath(source),
        readOnly: options.split(',').includes('ro') || superOptions.split(',').includes('ro'),
        superOptions: superOptions.split(','),
      }
    })
}

const malformed = (line: string) => new TypeError(`mountinfo has a line that cannot be read: ${JSON.stringify(line)}`)

/** The kernel writes space, tab, newline, backslash and `#` as `\` and three octal digits. */
const unescapePath = (field: string): string =>
  decodeUtf8(field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
