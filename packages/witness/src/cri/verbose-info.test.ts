import { describe, expect, it } from 'vitest'
import { parseVerboseInfo } from './verbose-info.ts'

const said = (info: object) => parseVerboseInfo({ info: JSON.stringify(info) })

describe('what a runtime says of a process', () => {
  it.each([
    ['containerd, gVisor', { pid: 7, runtimeType: 'io.containerd.runsc.v1', runtimeOptions: { type_url: 'x' } }],
    ['containerd without options', { pid: 7, runtimeType: 'io.containerd.runsc.v1', runtimeOptions: null }],
  ])('%s', (_, info) => {
    expect(said(info)).toEqual({ process: { pid: 7, runtimeType: 'io.containerd.runsc.v1' } })
  })

  it('has the program where the node names one', () => {
    const info = { pid: 7, runtimeType: 'io.containerd.runc.v2', runtimeOptions: { binary_name: '/opt/runc' } }
    expect(said(info)).toEqual({ process: { pid: 7, runtimeType: 'io.containerd.runc.v2', binary: '/opt/runc' } })
  })

  it('is the pid alone with CRI-O', () => expect(said({ pid: 7, image: 'x' })).toEqual({ process: { pid: 7 } }))

  it.each([
    ['nothing', {}, 'gives no verbose information'],
    ['no JSON', { info: '{' }, 'is no JSON'],
    ['null', { info: 'null' }, 'all of it'],
    ['no pid', { info: '{}' }, 'pid'],
    ['a pid of a sandbox without process', { info: '{"pid":0}' }, 'pid'],
    ['a pid as text', { info: '{"pid":"1"}' }, 'pid'],
    ['a pid that is none', { info: '{"pid":1.5}' }, 'pid'],
    ['a type that is none', { info: '{"pid":1,"runtimeType":{}}' }, 'runtimeType'],
  ])('is not known from %s', (_, info, reason) => {
    expect(parseVerboseInfo(info as Record<string, string>)).toEqual({ unsaid: expect.stringContaining(reason) })
  })

  it('repeats nothing of what a pod can write into its annotations', () => {
    const text = JSON.stringify({ pid: 'secret', config: { annotations: { a: 'secret' } } })
    expect(JSON.stringify(parseVerboseInfo({ info: text }))).not.toContain('secret')
    expect(JSON.stringify(parseVerboseInfo({ info: 'secret' }))).not.toContain('secret')
  })
})
