import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readConfig, readManifest } from './manifest.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('what a registry says', () => {
  it('is a manifest, an index, or image_invalid, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text))
        ),
        (bytes) => {
          for (const read of [readManifest, readConfig]) {
            try {
              read(Buffer.from(bytes), 'x')
            } catch (error) {
              expect((error as { code: string }).code).toMatch(/^image_(invalid|platform_unavailable)$/)
            }
          }
        }
      )
    )
  })

  it('never brings a digest that is more than a digest', () => {
    const evil = { mediaType: 'm', digest: 'sha256:../../../../etc/passwd', size: 1 }
    const manifest = json({ config: evil, layers: [] })
    expect(() => readManifest(manifest, 'x')).toThrow(expect.objectContaining({ code: 'image_invalid' }))
    const index = json({ manifests: [{ ...evil, platform: { os: 'linux', architecture: 'amd64' } }] })
    expect(() => readManifest(index, 'x')).toThrow(expect.objectContaining({ code: 'image_invalid' }))
  })

  it('makes a relative working directory absolute and keeps variables as they are', () => {
    const config = readConfig(
      json({ os: 'linux', architecture: 'amd64', config: { WorkingDir: 'srv', Env: ['A', '__proto__=x'] } }),
      'x'
    )
    expect(config.workdir).toBe('/srv')
    expect(Object.entries(config.env)).toEqual([
      ['A', ''],
      ['__proto__', 'x'],
    ])
  })
})
