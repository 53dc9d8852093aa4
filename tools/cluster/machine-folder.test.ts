import { expect, it } from 'vitest'
import { inside, machineMounts } from './machine-folder.ts'

const places = {
  folder: '/tmp/state/machines/node-1',
  artifacts: '/var/lib/bulkhead/artifacts',
  volumes: '/tmp/state/volumes',
}

it('takes everything from a place before that place is covered', () => {
  const mounts = machineMounts(places)
  const covered: string[] = []
  for (const [option, from = '', to = ''] of mounts) {
    if (option !== '--bind') continue
    expect(
      covered.filter((place) => from.startsWith(`${place}/`)),
      from
    ).toEqual([])
    if (!to.startsWith('/run/')) covered.push(to)
  }
  expect(covered).toContain('/var/lib')
})

it('shares its mounts with its containers as the last act', () => {
  expect(machineMounts(places).at(-1)).toEqual(['--make-rshared', '/'])
})

it('names inside no path of the host', () => {
  for (const place of Object.values(inside)) expect(place).toMatch(/^\/run\/bulkhead\//)
})
