import { v7 as uuidv7 } from 'uuid'
import type { JudgedEvent } from '../../src/event.ts'

/** An instant from which tests count; far from every change of clocks. */
export const START = Date.UTC(2026, 10, 21)

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** The instant so many milliseconds after {@link START}. */
export function at(milliseconds: number): Date {
  return new Date(START + milliseconds)
}

/** A judged event with a new id, alone unless a key is given, in a window of one hour. */
export function judgedEvent(given: Partial<JudgedEvent> = {}): JudgedEvent {
  return {
    id: uuidv7(),
    provider: 'com.example',
    externalID: null,
    title: 'Backup finished',
    subtitle: null,
    startDate: at(0),
    endDate: null,
    receivedAt: new Date(),
    eventType: 'alert',
    severity: 'info',
    label: 'INFO',
    color: '#888888',
    node: 'pve-01',
    vmid: null,
    key: null,
    windowMs: HOUR,
    role: 'repeats',
    currentState: false,
    closedSeverity: null,
    stackTitle: null,
    indicator: null,
    tags: [],
    surface: 'timeline',
    progress: null,
    acked: false,
    dismissed: false,
    metadata: {},
    facts: null,
    derivedFrom: null,
    payload: {},
    warnings: [],
    idempotency: null,
    ...given,
  }
}
