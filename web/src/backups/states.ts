/** What a day of a guest can be, in the words of the legend and of the cells. */
export const STATES = {
  ok: { label: 'Good', text: 'good', about: 'a good backup' },
  failed: { label: 'Failed', text: 'failed', about: 'the backup failed' },
  aborted: { label: 'Aborted', text: 'aborted', about: 'the run ended before this guest' },
  absent: { label: 'None came', text: 'none came', about: 'no backup came, and it would have been heard of' },
  unknown: { label: 'Unknown', text: 'unknown', about: 'nobody can tell' },
} as const

export type CellState = keyof typeof STATES
export const STATE_NAMES = Object.keys(STATES) as CellState[]

/** How one backup ended, as a badge. */
export const STATUSES = {
  ok: { label: 'Good', band: 'ok' },
  failed: { label: 'Failed', band: 'error' },
  aborted: { label: 'Aborted', band: 'warning' },
  unparsed: { label: 'Not readable', band: 'warning' },
} as const
