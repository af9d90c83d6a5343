import { channelApi, read, send } from '../api/client.ts'
import type { ChannelRules, ChannelType, ChannelView } from '../api/routes.ts'

/** A channel as the API shows it; `target` fields that are no secret stand beside the others, by name. */
export type ChannelRow = ChannelRules & {
  id: string
  name: string
  type: ChannelType
  enabled: boolean
  url: string | null
  headers: Record<string, string>
  hasSecret: boolean
  managedBy: 'api' | 'file'
  problem: string | null
  state: ChannelView['state']
  recipients?: string[]
  host?: string
  topic?: string
}

export async function loadChannels(): Promise<ChannelRow[]> {
  const { items } = await read(channelApi.channels.$get())
  return items as unknown as ChannelRow[]
}

/** What a receiver said to one message. */
export type Exchange = {
  result: 'sent' | 'passing' | 'permanent'
  status: number | null
  request: string
  answer: string
  durationMs: number
}

type Body = Record<string, unknown>
const init = (method: string, body?: Body): RequestInit => ({
  method,
  ...(body && { body: JSON.stringify(body) }),
})

export function createChannel(body: Body): Promise<ChannelRow> {
  return send('/channels', init('POST', body))
}

/** What is left out stays as it is, secrets too. */
export function changeChannel(id: string, body: Body): Promise<ChannelRow> {
  return send(`/channels/${id}`, init('PATCH', body))
}

/** Sends a test to a channel as it stands in the form; `id` lends what the form leaves out. */
export function testDraft(body: Body, id: string | null): Promise<Exchange> {
  return send(`/channels/test${id ? `?id=${id}` : ''}`, init('POST', body))
}

export function testChannel(id: string): Promise<Exchange> {
  return read(channelApi.channels[':id'].test.$post({ param: { id } }))
}

export async function removeChannel(id: string): Promise<void> {
  await channelApi.channels[':id'].$delete({ param: { id } })
}

export function loadAttempts(id: string, cursor: string | null) {
  const query = { limit: '30' as never, ...(cursor && { cursor }) }
  return read(channelApi.channels[':id'].attempts.$get({ param: { id }, query }))
}
export type AttemptRow = Awaited<ReturnType<typeof loadAttempts>>['items'][number]

/** Has it told again; returns how many events. */
export async function resend(id: string, what: { messageId: string } | { since: string }): Promise<number> {
  const { events } = await read(
    channelApi.channels[':id'].resend.$post({ param: { id }, json: what as never }),
  )
  return events
}
