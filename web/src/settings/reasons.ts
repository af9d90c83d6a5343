import { deliveryApi, read } from '../api/client.ts'

export type DeliveryQuery = { accepted?: 'true' | 'false'; cursor?: string }

export function loadDeliveries(query: DeliveryQuery) {
  return read(deliveryApi.deliveries.$get({ query: { ...query, limit: '50' as never } }))
}
export type DeliveryRow = Awaited<ReturnType<typeof loadDeliveries>>['items'][number]

const REASONS: Record<string, string> = {
  no_token: 'No token came with it.',
  unknown_token: 'The token is not known here.',
  token_expired: 'The token has expired.',
  token_revoked: 'The token was revoked.',
  wrong_scope: 'The token has no scope to send.',
  provider_not_bound: 'The token is bound to another provider.',
  invalid_json: 'The body is not JSON.',
  invalid_input: 'The body is not a valid event.',
  body_too_large: 'The body is too large.',
  rate_limited: 'The token is over its limit; the sender was told to wait.',
  unavailable: 'Neither database nor disk could take it; the sender was told to try again.',
  unstorable: 'The database refuses this event.',
  internal: 'Something failed here; the log of the server says what.',
}

/** Why a delivery was refused, or what became of it, in words. */
export function reasonText({ status, reason }: Pick<DeliveryRow, 'status' | 'reason'>): string {
  if (status === 202) return 'Kept on disk until the database is back.'
  if (status < 300) return 'Stored.'
  return REASONS[reason ?? ''] ?? reason ?? `Refused with status ${status}.`
}
