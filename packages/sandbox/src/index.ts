/** @packageDocumentation The domain: what a sandbox is, its states, and the Backend contract. */
export * from './backend.ts'
export * from './id.ts'
export * from './state.ts'
