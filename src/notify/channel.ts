import type { ChannelTarget, ChannelType, Exchange, Notification } from '../channel.ts'

/** What leaves for a receiver. The URL may hold a secret. */
export type OutgoingRequest = {
  url: string
  method: string
  headers: Record<string, string>
  body: string
}

/** What came back; the body is cut off at some KiB. */
export type OutgoingAnswer = { status: number; headers: Record<string, string>; body: string }

/** The way out: no redirect is followed, everything has a deadline, and the resolved address must be allowed. */
export type Outgoing = {
  /** Throws an Error with a `code` when there is no answer; `EBLOCKED` when the address is not allowed. */
  request: (request: OutgoingRequest) => Promise<OutgoingAnswer>
  /** An allowed address of a host, for a protocol of its own; throws as `request` does. */
  resolve: (host: string) => Promise<string>
  /** Milliseconds that one exchange may take. */
  deadlineMs: number
}

export type TargetOf<T extends ChannelType> = ChannelTarget & { type: T }

/** Sends one notification; never throws for what the receiver or the network does. */
export type Send<T extends ChannelType> = (
  target: TargetOf<T>,
  notification: Notification,
  outgoing: Outgoing,
) => Promise<Exchange>
