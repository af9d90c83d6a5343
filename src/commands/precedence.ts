import { constants, getPriority, setPriority } from 'node:os'
import type { Log } from '../log.ts'

const { PRIORITY_ABOVE_NORMAL, PRIORITY_NORMAL } = constants.priority

/**
 * Lets the calling thread, the one that answers senders, go before others that want the same core: a sender asks once. On
 * Linux alone, where a priority is that of one thread (setpriority(2), NOTES), so that the helpers of V8 keep theirs, as does a
 * database that was started before. Without the right to (CAP_SYS_NICE, or RLIMIT_NICE), or when somebody has chosen a
 * priority for the server, all stays as it is.
 */
export function takePrecedence(log: Log): void {
  if (process.platform !== 'linux') return
  try {
    if (getPriority() === PRIORITY_NORMAL) setPriority(PRIORITY_ABOVE_NORMAL)
  } catch (error) {
    log.debug({ err: error }, 'the system does not let the server go before other programs')
  }
}
