import type { Session } from 'node:inspector/promises'
import { type Clock, sleep } from '../../controller/index.ts'
import { type Answer, plainText, type Route } from './http-server.ts'

const defaultSeconds = 30
const longestSeconds = 300

type Kind = 'cpu' | 'heap'

const programs: Readonly<Record<Kind, (session: Session, wait: () => Promise<void>) => Promise<object>>> = {
  cpu: async (session, wait) => {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await wait()
    return (await session.post('Profiler.stop')).profile
  },
  heap: async (session, wait) => {
    await session.post('HeapProfiler.startSampling')
    await wait()
    return (await session.post('HeapProfiler.stopSampling')).profile
  },
}

/**
 * Profiles of this process, for the developer tools of Chrome: names of functions, times and sizes, and nothing of what the memory holds. One at a
 * time, because a profile slows everything down.
 */
export function profileRoute(kind: Kind, clock: Clock): Route {
  let busy = false
  return async (query, signal): Promise<Answer> => {
    const seconds = Number(query.get('seconds') ?? defaultSeconds)
    if (!(seconds > 0 && seconds <= longestSeconds))
      return plainText(400, `seconds: above 0, at most ${longestSeconds}\n`)
    if (busy) return plainText(409, 'a profile is being taken\n')
    busy = true
    try {
      const { Session: InspectorSession } = await import('node:inspector/promises')
      const session = new InspectorSession()
      session.connect()
      try {
        const profile = await programs[kind](session, () => sleep(clock, seconds * 1000, signal))
        return { status: 200, type: 'application/json', body: JSON.stringify(profile) }
      } finally {
        session.disconnect()
      }
    } finally {
      busy = false
    }
  }
}
