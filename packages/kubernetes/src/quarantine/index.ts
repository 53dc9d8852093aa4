/** @packageDocumentation Sandboxes that may be compromised: taken out of service, held for those who look into it, and replaced. */
export { quarantineTerm } from './quarantine-controller.ts'
