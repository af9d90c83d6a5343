/** What the figures depend on, as far as it is known. */
import { cpus, release, totalmem } from 'node:os'

/** Cores, memory, kernel and Node in a line. */
export function describeMachine(): string {
  const all = cpus()
  const gib = Math.round(totalmem() / 2 ** 30)
  return [
    `${all.length} cores (${all[0]?.model.trim() ?? 'unknown'})`,
    `${gib} GiB`,
    `${process.platform === 'linux' ? 'Linux' : process.platform} ${release().replace(/-.*/, '')}`,
    `Node ${process.versions.node}`,
  ].join(', ')
}
