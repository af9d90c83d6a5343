import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'

/** Does something again and again until the end; a failure is logged and the next time comes all the same. */
export function repeat(
  releasers: Releasers,
  name: string,
  everyMs: number,
  work: () => Promise<void>,
  log: Log,
): void {
  const timer = setInterval(() => {
    work().catch((error) => log.warn({ err: error }, `${name}: failed, it will be tried again`))
  }, everyMs)
  releasers.add(`timer of ${name}`, () => clearInterval(timer))
}
