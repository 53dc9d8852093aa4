import type { SetupStep } from './step.ts'
import { commandLineStep } from './steps/command-line.ts'
import { defaultImageStep } from './steps/default-image.ts'
import { guestKernelStep } from './steps/guest-kernel.ts'
import { guestProgramsStep } from './steps/guest-programs.ts'
import { hostPackagesStep } from './steps/host-packages.ts'
import { runscStep } from './steps/runsc.ts'

/** All that has to be there, in order; steps in one row do not need each other and are made at the same time. */
export const setupSteps: readonly (readonly SetupStep[])[] = [
  [hostPackagesStep, commandLineStep],
  [guestProgramsStep],
  [runscStep, guestKernelStep, defaultImageStep],
]
