import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { podAddress } from './pod-address.ts'

/** Looks up a Service's name. Whoever may make Services may let a name stand for any address: those that are no Pod's are left out. */
export const podLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found = []) => {
    const usable = found.filter(({ address }) => podAddress(address))
    const [first] = usable
    if (error || !first) callback(error ?? new Error(`${hostname} stands for no address of a Pod`), [])
    else if (options.all) callback(null, usable)
    else callback(null, first.address, first.family)
  })
}
