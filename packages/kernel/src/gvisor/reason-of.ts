/** One line for a message; the error itself goes along as its cause. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
