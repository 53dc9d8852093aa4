import { describe, expect, it } from 'vitest'
import { decodeCapabilities } from './capabilities.ts'
import { parseMountInfo } from './mount-info.ts'
import { parseNetworkInterfaces } from './network-interfaces.ts'
import { parseProcessStatus } from './process-status.ts'

describe('capabilities', () => {
  it.each([
    ['0000000000000000', []],
    ['0000000000000001', ['CAP_CHOWN']],
    ['0000000000200000', ['CAP_SYS_ADMIN']],
    ['0000010000000000', ['CAP_CHECKPOINT_RESTORE']],
    ['0000020000000000', ['CAP_41']],
    ['8000000000000000', ['CAP_63']],
  ])('decodes %s', (mask, names) => expect(decodeCapabilities(mask)).toEqual(names))

  it('decodes all of a root process', () => expect(decodeCapabilities('000001ffffffffff')).toHaveLength(41))
})

describe('process status', () => {
  const status = (over: Record<string, string> = {}) =>
    Object.entries({
      Name: 'qemu:\tUid: 0',
      Uid: '1000\t1000\t1000\t1000',
      Gid: '1000\t1000\t1000\t1000',
      Groups: ' ',
      CapPrm: '0000000000000000',
      CapEff: '0000000000000000',
      NoNewPrivs: '1',
      Seccomp: '2',
      ...over,
    })
      .map(([name, value]) => `${name}:\t${value}\n`)
      .join('')

  it('reads a confined process', () => {
    expect(parseProcessStatus(status())).toEqual({
      uids: [1000, 1000, 1000, 1000],
      gids: [1000, 1000, 1000, 1000],
      supplementaryGids: [],
      seccomp: 2,
      noNewPrivs: true,
      capabilities: [],
    })
  })

  it('counts what is permitted, not only what is effective', () => {
    expect(parseProcessStatus(status({ CapPrm: '0000000000200000' })).capabilities).toEqual(['CAP_SYS_ADMIN'])
  })

  it.each(['Uid', 'CapEff', 'NoNewPrivs', 'Seccomp'])('refuses a status without %s', (name) => {
    const without = status().replace(new RegExp(`^${name}:.*\n`, 'm'), '')
    expect(() => parseProcessStatus(without)).toThrow(name)
  })
})

describe('mountinfo', () => {
  it('reads escapes, optional fields and both kinds of read-only', () => {
    const text = [
      '90 64 0:42 / / ro,relatime - tmpfs runsc-root rw,uid=1',
      '91 90 254:0 /a\\040b\\134c /in\\011it rw,nosuid shared:1 master:2 - ext4 /dev/vd\\043a rw',
      '92 90 7:0 / /image rw - erofs /dev/loop0 ro',
      '',
    ].join('\n')
    expect(parseMountInfo(text)).toMatchObject([
      { device: '0:42', root: '/', target: '/', type: 'tmpfs', source: 'runsc-root', readOnly: true },
      { device: '254:0', root: '/a b\\c', target: '/in\tit', type: 'ext4', source: '/dev/vd#a', readOnly: false },
      { target: '/image', type: 'erofs', readOnly: true },
    ])
  })

  it('reads a path that is not ASCII', () => {
    const text = Buffer.from('1 0 0:1 /ö /ö rw - tmpfs x rw\n').toString('latin1')
    expect(parseMountInfo(text)).toMatchObject([{ root: '/ö', target: '/ö' }])
  })

  it.each(['90 64 0:42 / /', '90 64 0:42 / / rw tmpfs x rw', 'x'])('refuses %s', (line) =>
    expect(() => parseMountInfo(line)).toThrow(TypeError)
  )
})

describe('network interfaces', () => {
  const head = 'Inter-| Receive | Transmit\n face |bytes |bytes\n'
  it.each([
    [head, []],
    [`${head}    lo: 1 2\n`, []],
    [`${head}    lo: 1 2\n  eth0:553206042 17411\nveth1@if2: 0 0\n`, ['eth0', 'veth1@if2']],
  ])('%j', (text, names) => expect(parseNetworkInterfaces(text)).toEqual(names))
})
