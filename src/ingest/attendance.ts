/** When this server was there to hear a report, as spans of time. */
export type Attendance = {
  /** Says that the process runs, which must be often. A clock that jumped, or a machine that slept, begins a new span. */
  tick: (now: Date) => void
  /** The span that lasts until now. */
  current: () => { id: string; from: Date }
}

/** `mostMs`: the longest time between two ticks in which it was there all along. */
export function createAttendance(begun: Date, newId: () => string, mostMs: number): Attendance {
  let span = { id: newId(), from: begun }
  let last = begun

  function tick(now: Date): void {
    const apart = now.getTime() - last.getTime()
    if (apart > mostMs || apart < -mostMs) span = { id: newId(), from: now }
    last = now
  }

  return { tick, current: () => span }
}
