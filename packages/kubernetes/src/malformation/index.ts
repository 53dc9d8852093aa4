export { type Complaint, Complaints, invalidSpec } from './complaints.ts'
export {
  malformationOfClaim,
  malformationOfIsolationPolicy,
  malformationOfSandbox,
  malformationOfTemplate,
  malformationOfWarmPool,
} from './malformation.ts'
