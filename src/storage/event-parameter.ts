import { type JudgedEvent, severityRank } from '../event.ts'
import { isSessionRole } from './sessions.ts'

/** The columns of an event as statements take them in JSON; severities are ranks. */
export function eventColumnsOf(event: JudgedEvent) {
  const {
    role,
    key,
    windowMs,
    acked,
    dismissed,
    warnings: _warnings,
    idempotency: _answer,
    replay: _replay,
    derived: _derived,
    report: _report,
    ...columns
  } = event
  const session = isSessionRole(role)
  return {
    ...columns,
    severity: severityRank(event.severity),
    closedSeverity: event.closedSeverity === null ? null : severityRank(event.closedSeverity),
    sessionRole: session ? role : null,
    sessionKey: session ? key : null,
    sessionMs: session ? windowMs : null,
    ackedAt: acked ? event.receivedAt : null,
    dismissedAt: dismissed ? event.receivedAt : null,
    writtenBy: event.id,
  }
}
