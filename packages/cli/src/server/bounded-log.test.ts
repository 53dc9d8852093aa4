import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BoundedLog } from './bounded-log.ts'

it('keeps the newest lines in two files of bounded size', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-log-'))
  try {
    const log = new BoundedLog(join(folder, 'log'), 100)
    for (let at = 0; at < 50; at++) log.write(`line ${String(at).padStart(3, '0')}\n`)
    expect(readdirSync(folder).sort()).toEqual(['log', 'log.1'])
    for (const name of ['log', 'log.1']) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100)
    const kept = readFileSync(join(folder, 'log.1'), 'utf8') + readFileSync(join(folder, 'log'), 'utf8')
    expect(kept.endsWith('line 048\nline 049\n')).toBe(true)
    // A new process goes on in the same file.
    new BoundedLog(join(folder, 'log'), 100).write('after\n')
    expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(/line 049\nafter\n$/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
