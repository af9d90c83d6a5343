/** The copy of a body that PostgreSQL can hold. */

/** A copy without NUL and lone surrogates. Recursion is safe: the depth was checked before. */
export function makeStorable(value: unknown): { value: unknown; changed: boolean } {
  let changed = false
  const mend = (text: string): string => {
    const mended = text.toWellFormed().replaceAll('\0', '\ufffd')
    if (mended !== text) changed = true
    return mended
  }
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return mend(part)
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) return part.map(walk)
    // fromEntries defines properties, so that a key `__proto__` stays an ordinary one.
    return Object.fromEntries(Object.entries(part).map(([key, child]) => [mend(key), walk(child)]))
  }
  return { value: walk(value), changed }
}
