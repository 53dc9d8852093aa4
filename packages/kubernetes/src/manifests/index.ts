/** @packageDocumentation What is installed into a cluster, as objects. */
export { type CustomResourceDefinition, definitions } from './definitions.ts'
