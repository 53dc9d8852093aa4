import fc from 'fast-check'
import { expect, it } from 'vitest'
import { machineRow } from './machine-table.ts'
import { type QemuPlan, qemuArguments, qemuLimits } from './qemu-arguments.ts'

const row = machineRow('linux', 'x64')
if (!row) throw new Error('no row')

const plans = fc.record<QemuPlan>({
  row: fc.constant(row),
  accelerator: fc.constantFrom('tcg', 'kvm'),
  memoryBytes: fc.integer({ min: 64, max: 4096 }).map((MiB) => MiB * 1024 * 1024),
  cpus: fc.integer({ min: 1, max: 64 }),
  start: fc.constantFrom({ kind: 'boot', bootKey: 'c'.repeat(32) }, { kind: 'restore' }, { kind: 'merge' }),
  layers: fc.array(fc.constantFrom('raw', 'qcow2'), { maxLength: 5 }),
})

it('never gives a guest a network card, a host folder or a device nobody asked for', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const args = qemuArguments(plan)
      expect(args).toContain('-nodefaults')
      const forbidden =
        /netdev|^-net|^-nic|virtio-net|e1000|9p|fsdev|virtiofs|vhost|usb-|vfio|^-hda|^-cdrom|^tcp:|telnet/
      expect(args.filter((argument) => forbidden.test(argument))).toEqual([])
      const devices = args.filter((_, index) => args[index - 1] === '-device').map((device) => device.split(',')[0])
      const known = ['virtio-serial-pci', 'virtserialport', 'virtio-rng-pci', 'virtio-blk-pci', 'pvpanic-pci']
      expect(devices.filter((device) => !known.includes(device ?? ''))).toEqual([])
      const sandbox = args[args.indexOf('-sandbox') + 1]
      expect(sandbox).toBe('on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny')
    })
  )
})

it('opens read-only all that others share, and tells QEMU never to fall back to another accelerator', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const args = qemuArguments(plan)
      expect(args.filter((argument) => argument === '-accel')).toHaveLength(1)
      const nodes = args.filter((_, index) => args[index - 1] === '-blockdev').map((text) => JSON.parse(text))
      for (const node of nodes) {
        if (node['node-name'] === 'disk') continue
        expect([node['read-only'], node.file['read-only']], node['node-name']).toEqual([true, true])
      }
      if (plan.start.kind === 'restore') expect(args.join(' ')).toContain('share=off,readonly=on,rom=off')
      expect(qemuLimits(plan).memoryBytes).toBeGreaterThan(plan.memoryBytes)
    })
  )
})
