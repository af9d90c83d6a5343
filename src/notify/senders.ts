import type { ChannelTarget, Exchange, Notification } from '../channel.ts'
import type { Outgoing } from './channel.ts'
import { sendDiscord } from './discord.ts'
import { sendEmail } from './email.ts'
import { sendGotify } from './gotify.ts'
import { sendNtfy } from './ntfy.ts'
import { sendPagerduty } from './pagerduty.ts'
import { sendSlack } from './slack.ts'
import { sendTeams } from './teams.ts'
import { sendWebhook } from './webhook.ts'

/** The one way to send: by the type of the target. Never throws for what the receiver or the network does. */
export function createSend(
  outgoing: Outgoing,
): (target: ChannelTarget, notification: Notification) => Promise<Exchange> {
  return (target, notification) => {
    switch (target.type) {
      case 'email':
        return sendEmail(target, notification, outgoing)
      case 'webhook':
        return sendWebhook(target, notification, outgoing)
      case 'slack':
        return sendSlack({ ...target, type: 'slack' }, notification, outgoing)
      case 'teams':
        return sendTeams({ ...target, type: 'teams' }, notification, outgoing)
      case 'discord':
        return sendDiscord({ ...target, type: 'discord' }, notification, outgoing)
      case 'pagerduty':
        return sendPagerduty(target, notification, outgoing)
      case 'ntfy':
        return sendNtfy(target, notification, outgoing)
      case 'gotify':
        return sendGotify(target, notification, outgoing)
    }
  }
}
