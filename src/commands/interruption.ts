import { fatal } from '../errors.ts'

/** Milliseconds in which a signal counts as the same: Ctrl-C reaches us from the terminal and once more through npm. */
const SAME_SIGNAL_MS = 1_000

/**
 * Runs what must clear up after itself; the signal that it is handed tells it to end. Who interrupts once more later does
 * not want to wait.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let first = 0
  const interrupt = () => {
    first ||= Date.now()
    if (Date.now() - first > SAME_SIGNAL_MS) process.exit(1)
    controller.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, interrupt)
  try {
    return await work(controller.signal)
  } catch (error) {
    if (controller.signal.aborted) throw fatal('interrupted', 'Interrupted before it was done.', error)
    throw error
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}
