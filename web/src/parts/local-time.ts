/** An instant as a field of date and time has it: `2026-04-29T22:00`, in the viewer's zone. */
export function localInput(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** At this hour of the next day, in the viewer's zone. */
export function nextDayAt(from: Date, hour: number): Date {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + 1, hour)
}
