import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { CommandLine } from './command-line.ts'
import { ownInstallation } from './own-installation.ts'

let installation: ReturnType<typeof ownInstallation>
let cli: CommandLine
let folder: string
const tmux = (...args: string[]) =>
  execFileSync('tmux', ['-S', join(folder, 'tmux'), ...args], { env: cli.env }).toString()
const screen = () => tmux('capture-pane', '-p', '-t', 'it')
const type = (...keys: string[]) => tmux('send-keys', '-t', 'it', ...keys)
const shows = (text: string | RegExp) =>
  vi.waitFor(() => expect(screen()).toMatch(text), { timeout: 20_000, interval: 100 })

beforeAll(() => {
  installation = ownInstallation()
  cli = installation.cli
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-tmux-'))
})
afterAll(async () => {
  tmux('kill-server')
  await installation[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

it('is a real one: size and its change, keys, colours, and afterwards the old one is back', async () => {
  tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'it', '-x', '101', '-y', '33', '/bin/sh')
  type(`PS1='outer> '; ${cli.argv('run', '-t', '--', 'bash', '--norc').join(' ')}; echo "code $?"`, 'Enter')
  await shows(/bash-\S*\$/)
  type('clear; tty; stty size', 'Enter')
  await shows(/\/dev\/pts\/\d+\n33 101\n/)

  tmux('resize-window', '-t', 'it', '-x', '120', '-y', '40')
  // The new size and the keys come by calls of their own, in any order.
  type('clear; until [ "$(stty size)" = "40 120" ]; do sleep .1; done; echo resized', 'Enter')
  await shows(/^resized$/m)

  type('clear; echo sleeping; sleep 600', 'Enter')
  await shows(/^sleeping$/m)
  type('C-c')
  type('echo after $?', 'Enter')
  await shows('after 130')

  type('exit 9', 'Enter')
  await shows('code 9')
  type('clear; stty -a | grep -o " icanon\\| echo "', 'Enter')
  await shows(/ icanon\n echo\s*\n/)
})

it('gives the terminal back when it is ended from outside', async () => {
  type(
    `clear; ${cli.argv('run', '-t', '--', 'sh', '-c', '"trap \'echo no\' TERM; echo up; while :; do sleep 0.1; done"').join(' ')}; echo "code $?"`,
    'Enter'
  )
  await shows(/^up$/m)
  const pid = tmux('list-panes', '-t', 'it', '-F', '#{pane_pid}').trim()
  const child = execFileSync('pgrep', ['-P', pid]).toString().trim()
  process.kill(Number(child), 'SIGTERM')
  await shows(/^no$/m)
  process.kill(Number(child), 'SIGTERM')
  await shows('code 143')
  type('clear; stty -a | grep -o " icanon\\| echo "', 'Enter')
  await shows(/ icanon\n echo\s*\n/)
})

it('says that the first virtual machine boots a template, and takes the line back', async () => {
  type(
    `clear; ${cli.argv('run', '--runtime', 'qemu', '--isolation', 'emulated', '--', 'echo', 'it', 'runs').join(' ')}`,
    'Enter'
  )
  await shows('boots a template once')
  await vi.waitFor(() => expect(screen()).toMatch(/^it runs$/m), { timeout: 90_000, interval: 100 })
  expect(screen()).not.toContain('boots a template once')
})
