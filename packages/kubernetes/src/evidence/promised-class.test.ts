import { expect, it } from 'vitest'
import { promisedClass } from './promised-class.ts'

const runtimeClass = (handler: string, label?: string) =>
  ({
    metadata: { ...(label !== undefined && { labels: { 'bulkhead.dev/isolation-class': label } }) },
    handler,
  }) as never

it.each([
  ['plain', runtimeClass('runc'), undefined],
  ['gvisor', runtimeClass('runsc'), 'userspace'],
  ['gvisor', runtimeClass('runc'), 'userspace'],
  ['fast', runtimeClass('runsc-kvm'), 'userspace'],
  ['gvisor', runtimeClass('kata-qemu'), 'hardware'],
  ['kata', runtimeClass('runsc'), 'hardware'],
  ['gvisor', undefined, 'userspace'],
  ['plain', undefined, undefined],
  ['plain', runtimeClass('runc', 'userspace'), 'userspace'],
  ['kata', runtimeClass('kata', 'emulated'), 'emulated'],
  ['plain', runtimeClass('runc', 'hardwear'), 'hardware'],
  ['plain', runtimeClass('runc', 'toString'), 'hardware'],
  ['katana', runtimeClass('runc'), undefined],
])('RuntimeClass %s', (name, found, promised) => expect(promisedClass(name, found)).toBe(promised))
