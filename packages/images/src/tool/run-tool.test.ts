import { describe, expect, it } from 'vitest'
import { runTool, runToolOrFail } from './run-tool.ts'
import { lastWords, Tail } from './tail.ts'

const never = new AbortController().signal

describe('runTool', () => {
  it('keeps the beginning and the end of what a tool says, however much it is', async () => {
    const end = await runTool('xz', ['--no-such-option'], { signal: never })
    expect(end.exitCode).toBe(1)
    expect(end.said).toContain('no-such-option')
    const tail = new Tail(4, 4)
    for (const piece of ['begin', 'x'.repeat(100), 'end']) tail.push(piece)
    expect(`${tail}`).toBe('begi\n…\nxend')
  })

  it('refuses more output than was asked for', async () => {
    const run = runTool('apt-get', ['--help'], { signal: never, stdoutBytes: 10 })
    await expect(run).rejects.toMatchObject({ code: 'host_tool_failed' })
  })

  it('names a missing tool and its package', async () => {
    const run = runTool('skopeo', [], { signal: never, env: { PATH: '/nowhere' } })
    await expect(run).rejects.toMatchObject({ code: 'requirement_missing' })
  })

  it('rejects with the reason of the abort once the tool is gone', async () => {
    const abort = new AbortController()
    // Never comes to an end by itself.
    const run = runTool('xz', ['--stdout', '--', '/dev/zero'], { signal: abort.signal, onLine: () => {} })
    setImmediate(() => abort.abort(new Error('enough')))
    await expect(run).rejects.toThrow('enough')
  })

  it('turns a failure into one with the last words', async () => {
    const run = runToolOrFail('dpkg-deb', ['--field', '/nonexistent', 'Depends'], { signal: never })
    await expect(run).rejects.toMatchObject({ code: 'host_tool_failed', facts: { tool: 'dpkg-deb' } })
  })
})

it('makes foreign words fit for a terminal', () => {
  expect(lastWords('a\n\x1b[31mb\x9b\t c ')).toBe('a [31mb  c')
  expect(lastWords('x'.repeat(1000), 10)).toBe(`…${'x'.repeat(9)}`)
})
