export { type Complaint, Complaints, invalidSpec } from './complaints.ts'
export {
  malformationOfClaim,
  malformationOfSandbox,
  malformationOfTemplate,
  malformationOfWarmPool,
} from './malformation.ts'
