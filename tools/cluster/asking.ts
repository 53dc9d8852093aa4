import { setTimeout as sleep } from 'node:timers/promises'

const everyMs = 50

/** Asks until the answer is yes: that somebody begins to listen is told by no event. */
export const asking =
  (ask: (signal: AbortSignal) => Promise<boolean>) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!(await ask(signal))) await sleep(everyMs, undefined, { signal })
  }

/** For what is seen elsewhere: nobody waits for it here. */
export const atOnce = async (): Promise<void> => {}
