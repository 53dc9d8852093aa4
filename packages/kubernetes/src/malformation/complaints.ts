import { type EventRecorder, objectKey, type Stored } from '../controller/index.ts'

/** Reason of the Warning event about an object that cannot be read. */
export const invalidSpec = 'InvalidSpec'

export interface Complaint {
  /** In one word. */
  readonly reason: string
  readonly note: string
}

/** Tells people what is wrong with objects of a kind that has no conditions: once for each generation of an object, however often it is looked at. */
export class Complaints {
  readonly #recorder: Pick<EventRecorder, 'record'>
  readonly #told = new Map<string, string>()

  constructor(recorder: Pick<EventRecorder, 'record'>) {
    this.#recorder = recorder
  }

  /** Undefined: nothing is wrong with it any more. */
  about(object: Stored, complaint: Complaint | undefined): void {
    const key = objectKey(object)
    if (!complaint) {
      this.forget(key)
      return
    }
    const { uid, generation } = object.metadata
    const what = JSON.stringify([uid, generation, complaint.reason, complaint.note])
    if (this.#told.get(key) === what) return
    this.#told.set(key, what)
    this.#recorder.record(object, { type: 'Warning', action: 'Validate', ...complaint })
  }

  /** The object is gone. */
  forget(key: string): void {
    this.#told.delete(key)
  }
}
