/** In characters. */
export interface TerminalSize {
  readonly cols: number
  readonly rows: number
}

/** What a terminal has when nobody says. */
const usualSize: TerminalSize = { cols: 80, rows: 24 }

export const terminalSize = (): TerminalSize => ({
  cols: process.stdout.columns ?? process.stderr.columns ?? usualSize.cols,
  rows: process.stdout.rows ?? process.stderr.rows ?? usualSize.rows,
})

/** Raw mode: every key goes to the command, Ctrl-C too. Disposing, and the end of this process in any way it can notice, restores it. */
export function rawTerminal(): Disposable {
  const { stdin } = process
  if (!stdin.isTTY) return { [Symbol.dispose]() {} }
  const restore = () => {
    if (stdin.isRaw) stdin.setRawMode(false)
  }
  stdin.setRawMode(true)
  process.once('exit', restore)
  return {
    [Symbol.dispose]() {
      process.removeListener('exit', restore)
      restore()
    },
  }
}

/** Tells of every change of the window. */
export function watchTerminalSize(changed: (size: TerminalSize) => void): Disposable {
  const onChange = () => changed(terminalSize())
  process.on('SIGWINCH', onChange)
  return { [Symbol.dispose]: () => void process.removeListener('SIGWINCH', onChange) }
}
