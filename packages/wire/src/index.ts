/** @packageDocumentation Everything that leaves a process: the control API's schemas, the guest's RPC definitions (`./guest`), the error table. */
export * from './errors.ts'
export * from './rest.ts'
