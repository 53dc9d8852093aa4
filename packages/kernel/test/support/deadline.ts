/** How long anything may take on a busy machine without hardware acceleration. Not an assertion about speed. */
export const deadline = () => AbortSignal.timeout(100_000)
