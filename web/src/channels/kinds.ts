/** What each type of channel asks for, in words of people who set it up for the first time. */
import type { ChannelType } from '../api/routes.ts'
import type { IconName } from '../parts/icon.tsx'

/** `list`: separated by commas. `headers`: a line each. `check`: yes or no. */
export type TargetField = {
  name: string
  label: string
  help: string
  kind?: 'text' | 'number' | 'select' | 'check' | 'list' | 'headers'
  options?: readonly (readonly [string, string])[]
  initial?: string
  placeholder?: string
  /** Never shown again; when it is set, leaving it empty keeps it. */
  isSecret?: boolean
  isRequired?: boolean
}

export type Kind = {
  label: string
  icon: IconName
  /** Where the address or key is found, at the receiver. */
  where: string
  fields: TargetField[]
}

const hook = (placeholder: string): TargetField => ({
  name: 'url',
  label: 'Address of the webhook',
  help: 'Whoever knows it can post there: it is kept encrypted.',
  placeholder,
  isSecret: true,
  isRequired: true,
})

export const KINDS: Record<ChannelType, Kind> = {
  email: {
    label: 'Email',
    icon: 'mail',
    where: 'The help pages of your mail provider name its outgoing (SMTP) server, port and encryption.',
    fields: [
      {
        name: 'host',
        label: 'SMTP server',
        help: 'Its name, without a port',
        placeholder: 'mail.example.com',
        isRequired: true,
      },
      {
        name: 'security',
        label: 'Encryption',
        help: 'STARTTLS is insisted on, never skipped',
        kind: 'select',
        options: [
          ['starttls', 'STARTTLS (port 587)'],
          ['tls', 'TLS from the first byte (port 465)'],
          ['none', 'None (port 25, within your own network)'],
        ],
        initial: 'starttls',
      },
      { name: 'port', label: 'Port', help: 'Fits the encryption', kind: 'number', initial: '587' },
      { name: 'username', label: 'User name', help: 'Empty: without signing in' },
      {
        name: 'secret',
        label: 'Password',
        help: 'Large providers want an app password, made in the account’s security settings.',
        isSecret: true,
      },
      {
        name: 'from',
        label: 'Sender',
        help: 'An address that this server may send as',
        placeholder: 'Tempo <tempo@example.com>',
        isRequired: true,
      },
      {
        name: 'recipients',
        label: 'Recipients',
        help: 'Separated by commas',
        kind: 'list',
        placeholder: 'me@example.com, you@example.com',
        isRequired: true,
      },
      {
        name: 'verifyCertificate',
        label: 'Check the certificate of the mail server',
        help: 'Off only for a server of your own with a certificate that nobody vouches for',
        kind: 'check',
        initial: 'on',
      },
    ],
  },
  webhook: {
    label: 'Webhook',
    icon: 'hook',
    where:
      'Any address that takes a JSON body: the manual of the receiver names it, often under “Webhook” or “API”.',
    fields: [
      hook('https://example.com/hook'),
      {
        name: 'method',
        label: 'Method',
        help: 'POST, unless the receiver says otherwise',
        kind: 'select',
        options: [
          ['POST', 'POST'],
          ['PUT', 'PUT'],
          ['PATCH', 'PATCH'],
        ],
        initial: 'POST',
      },
      {
        name: 'headers',
        label: 'Headers',
        help: 'One a line. Their values are kept encrypted.',
        kind: 'headers',
        placeholder: 'Authorization: Bearer …',
        isSecret: true,
      },
      {
        name: 'secret',
        label: 'Signing secret',
        help: 'The receiver can prove with it that a message is from here. Empty: nothing is signed.',
        isSecret: true,
      },
      {
        name: 'signature',
        label: 'Signed as',
        help: 'What the receiver checks',
        kind: 'select',
        options: [
          ['standard', 'Standard Webhooks (webhook-signature)'],
          ['hmac', 'HMAC-SHA256 of the body, in a header'],
          ['both', 'Both'],
        ],
        initial: 'standard',
      },
      {
        name: 'signatureHeader',
        label: 'Header of the HMAC',
        help: 'Holds sha256=…; used with HMAC alone',
        initial: 'X-Tempo-Signature',
      },
    ],
  },
  slack: {
    label: 'Slack',
    icon: 'hash',
    where:
      'api.slack.com/apps → your app (or Create New App) → Incoming Webhooks → switch on → Add New Webhook to Workspace → choose the channel → Copy.',
    fields: [hook('https://hooks.slack.com/services/T…/B…/…')],
  },
  teams: {
    label: 'Microsoft Teams',
    icon: 'people',
    where:
      'In Teams, the channel’s … menu → Workflows → “Send webhook alerts to a channel” → choose team and channel → copy the address that is shown at the end.',
    fields: [hook('https://….logic.azure.com/workflows/…')],
  },
  discord: {
    label: 'Discord',
    icon: 'chat',
    where: 'Server Settings → Integrations → Webhooks → New Webhook → choose the channel → Copy Webhook URL.',
    fields: [hook('https://discord.com/api/webhooks/…/…')],
  },
  pagerduty: {
    label: 'PagerDuty',
    icon: 'siren',
    where:
      'Services → your service → Integrations → Add an integration → Events API V2 → open it and copy its Integration Key.',
    fields: [
      {
        name: 'secret',
        label: 'Integration key',
        help: '32 letters and digits',
        isSecret: true,
        isRequired: true,
      },
      {
        name: 'url',
        label: 'Address of the Events API',
        help: 'For accounts in the EU: https://events.eu.pagerduty.com/v2/enqueue',
        initial: 'https://events.pagerduty.com/v2/enqueue',
      },
    ],
  },
  ntfy: {
    label: 'ntfy',
    icon: 'bell',
    where:
      'Choose a topic name that nobody guesses, and subscribe to it in the ntfy app. A protected topic needs a token: Account → Access tokens → Create.',
    fields: [
      { name: 'url', label: 'Server', help: 'Your own, or the public one', initial: 'https://ntfy.sh' },
      {
        name: 'topic',
        label: 'Topic',
        help: 'Letters, digits, - and _',
        placeholder: 'tempo-x7Qp2m',
        isRequired: true,
      },
      {
        name: 'secret',
        label: 'Access token',
        help: 'Begins with tk_. Empty for a topic that is open',
        isSecret: true,
      },
    ],
  },
  gotify: {
    label: 'Gotify',
    icon: 'phone',
    where: 'In the web interface of Gotify: Apps → Create Application → show its token.',
    fields: [
      {
        name: 'url',
        label: 'Server',
        help: 'As you open it in the browser',
        placeholder: 'https://gotify.example.com',
        isRequired: true,
      },
      {
        name: 'secret',
        label: 'Token of the application',
        help: 'Begins with A; one of a client (C) cannot send',
        isSecret: true,
        isRequired: true,
      },
    ],
  },
}

export const KIND_NAMES = Object.keys(KINDS) as ChannelType[]
/** Types whose address is no secret by itself. */
const OPEN_ADDRESSES: ChannelType[] = ['pagerduty', 'ntfy', 'gotify']

/** Whether an address may be shown again. */
export function showsAddress(type: ChannelType): boolean {
  return OPEN_ADDRESSES.includes(type)
}
