import { fstatSync } from 'node:fs'
import { isatty } from 'node:tty'

/** What there is to send to the command. */
export type InputKind = 'nothing' | 'stream' | 'terminal'

/**
 * `nothing`: closed, /dev/null, or a terminal that the command was not given (`-t`); the command then reads end of file at once and can
 * neither hang nor be stopped for reading in the background.
 */
export function standardInputKind(tty: boolean): InputKind {
  if (isatty(0)) return tty ? 'terminal' : 'nothing'
  const stat = fstatSync(0)
  // Node opens /dev/null in place of a closed descriptor.
  return stat.isCharacterDevice() && isNullDevice(stat.rdev) ? 'nothing' : 'stream'
}

/** Linux: major 1, minor 3. */
const isNullDevice = (rdev: number): boolean => rdev === 0x103
