/** Freezes what JSON.parse made, all through. Cached objects are shared by everybody: whoever wants to change one makes a copy. */
export function deepFreeze<T>(value: T): T {
  // What is frozen already was frozen whole.
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) deepFreeze(member)
  return value
}
