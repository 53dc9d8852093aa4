import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

/** Everything a fresh Node loads for `script`, in order. */
function loadedBy(script: string): string[] {
  const listing = `import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context) } })
    ${script}
    console.log(JSON.stringify([...seen, ...process.moduleLoadList]))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', listing], { cwd: import.meta.dirname })
  return JSON.parse(output.toString())
}

const source = path.resolve(import.meta.dirname, '..')

describe('what a start of the client loads', () => {
  it('is neither zod nor protobuf nor undici: each costs more than the calls of a run', () => {
    const loaded = loadedBy(`
      const { connect } = await import(${JSON.stringify(path.join(source, 'node.ts'))})
      const bulkhead = connect({ socketPath: '/no/such/socket' })
      await bulkhead.health().catch(() => {})`)
    expect(loaded.filter((url) => /\/zod\/|@bufbuild|undici/.test(url))).toEqual([])
  })

  it('for what talks to a guest, adds protobuf alone', () => {
    const loaded = loadedBy(`
      const { loadGuest } = await import(${JSON.stringify(path.join(source, 'sandbox.ts'))})
      await loadGuest()`)
    expect(loaded.filter((url) => /\/zod\/|@connectrpc|undici|filesystem_pb/.test(url))).toEqual([])
    expect(loaded.some((url) => /@bufbuild/.test(url))).toBe(true)
  })
})
