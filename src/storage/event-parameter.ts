import { type JudgedEvent, severityRank } from '../event.ts'
import { isSessionRole } from './sessions.ts'

/** The columns of an event as statements take them in JSON; severities are ranks. */
export function eventColumnsOf(event: JudgedEvent) {
  const {
    id,
    provider,
    externalID,
    title,
    subtitle,
    startDate,
    endDate,
    receivedAt,
    eventType,
    label,
    color,
  } = event
  const { node, vmid, currentState, stackTitle, indicator, tags, surface, progress, metadata, payload } =
    event
  return {
    id,
    provider,
    externalID,
    title,
    subtitle,
    startDate,
    endDate,
    receivedAt,
    eventType,
    severity: severityRank(event.severity),
    label,
    color,
    node,
    vmid,
    ...sessionColumnsOf(event),
    closedSeverity: event.closedSeverity === null ? null : severityRank(event.closedSeverity),
    currentState,
    stackTitle,
    indicator,
    tags,
    surface,
    progress,
    ackedAt: event.acked ? receivedAt : null,
    dismissedAt: event.dismissed ? receivedAt : null,
    metadata,
    payload,
  }
}

function sessionColumnsOf({ role, key, windowMs }: JudgedEvent) {
  if (!isSessionRole(role)) return { sessionRole: null, sessionKey: null, sessionMs: null }
  return { sessionRole: role, sessionKey: key, sessionMs: windowMs }
}
