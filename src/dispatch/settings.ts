/** A channel as people write it, as it is stored with its secrets sealed, and as it works. */
import type { Vault } from '../auth/vault.ts'
import type { Channel, ChannelTarget, ChannelType, StoredChannel } from '../channel.ts'
import { TempoError } from '../errors.ts'
import { type ChannelInput, ChannelInputSchema } from '../wire-channels.ts'

const SECRETS = ['url', 'headers', 'secret'] as const
/** Addresses that are no secret by themselves. */
const OPEN_ADDRESSES: ChannelType[] = ['pagerduty', 'ntfy', 'gotify']

/** What is sealed belongs to its channel, and opens nowhere else. */
const contextOf = (id: string): string => `channel ${id}`

export function sealChannel(
  input: ChannelInput,
  vault: Pick<Vault, 'seal'>,
  rest: Pick<StoredChannel, 'id' | 'managedBy' | 'createdAt' | 'updatedAt'>,
): StoredChannel {
  const { name, type, enabled, ...others } = input
  const entries = Object.entries(others)
  const isSecret = ([key]: [string, unknown]) => (SECRETS as readonly string[]).includes(key)
  return {
    ...rest,
    name,
    type,
    enabled,
    settings: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secrets: vault.seal(JSON.stringify(Object.fromEntries(entries.filter(isSecret))), contextOf(rest.id)),
  }
}

/**
 * What was written when the channel was made or changed, secrets included. `problem` when they cannot be read; `rules`
 * then still tell what it is to be told, so that this can wait for them.
 */
export type OpenedChannel = { input: ChannelInput } | { problem: string; rules: ChannelInput | null }

export function openChannel(stored: StoredChannel, vault: Pick<Vault, 'open'>): OpenedChannel {
  const { name, type, enabled, settings } = stored
  const open = { name, type, enabled, ...settings }
  if (!stored.secrets) {
    const problem = 'It was restored without its secrets; give it URL and secret again.'
    return { problem, rules: withoutSecrets(open) }
  }
  let secrets: Record<string, unknown>
  try {
    secrets = JSON.parse(vault.open(stored.secrets, contextOf(stored.id)))
  } catch (error) {
    const problem = error instanceof TempoError ? error.message : (error as Error).message
    return { problem, rules: withoutSecrets(open) }
  }
  const parsed = ChannelInputSchema.safeParse({ ...open, ...secrets })
  if (parsed.success) return { input: parsed.data }
  const problem = `It was stored by another version: ${parsed.error.issues[0]?.message}`
  return { problem, rules: withoutSecrets(open) }
}

const NOWHERE = 'https://unknown.invalid/'

/** The channel with secrets that are none; which of them it has, its type tells. */
function withoutSecrets(open: Record<string, unknown>): ChannelInput | null {
  for (const secrets of [{}, { url: NOWHERE }, { secret: '?' }, { url: NOWHERE, secret: '?' }]) {
    const parsed = ChannelInputSchema.safeParse({ ...open, ...secrets })
    if (parsed.success) return parsed.data
  }
  return null
}

/** The channel that works as written. */
export function channelOf(
  input: ChannelInput,
  {
    id,
    managedBy,
    createdAt,
    updatedAt,
  }: Pick<StoredChannel, 'id' | 'managedBy' | 'createdAt' | 'updatedAt'>,
): Channel {
  const { name, enabled } = input
  const { minSeverity, events, match, providers, nodes, quietHours, digest, sendResolved } = input
  const { repeatMinutes, remindMinutes, maxReminders, groupWaitSeconds, groupIntervalSeconds } = input
  const rules = {
    ...{ minSeverity, events, match, providers, nodes, quietHours, digest, sendResolved },
    ...{ repeatMinutes, remindMinutes, maxReminders, groupWaitSeconds, groupIntervalSeconds },
  }
  return { id, name, enabled, target: targetOf(input), rules, managedBy, createdAt, updatedAt }
}

function targetOf(input: ChannelInput): ChannelTarget {
  switch (input.type) {
    case 'email': {
      const { type, host, port, security, username, secret, from, recipients, verifyCertificate } = input
      return { type, host, port, security, username, secret, from, recipients, verifyCertificate }
    }
    case 'webhook': {
      const { type, url, method, headers, secret, signature, signatureHeader } = input
      return { type, url, method, headers, secret, signature, signatureHeader }
    }
    case 'ntfy':
      return { type: input.type, url: input.url, topic: input.topic, secret: input.secret }
    case 'pagerduty':
    case 'gotify':
      return { type: input.type, url: input.url, secret: input.secret }
    default:
      return { type: input.type, url: input.url }
  }
}

/** What may be shown of a channel's settings. */
export function maskSettings(stored: StoredChannel, opened: OpenedChannel): Record<string, unknown> {
  const secrets: Partial<Record<(typeof SECRETS)[number], unknown>> = 'input' in opened ? opened.input : {}
  const { url, headers, secret } = secrets
  return {
    ...stored.settings,
    url: typeof url !== 'string' ? null : OPEN_ADDRESSES.includes(stored.type) ? bare(url) : maskUrl(url),
    headers: Object.fromEntries(Object.keys((headers as object) ?? {}).map((name) => [name, '…'])),
    hasSecret: typeof secret === 'string',
  }
}

/** Paths and queries of webhooks open them. */
function maskUrl(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return pathname === '/' && search === '' ? `${origin}/` : `${origin}/…`
}

/** Without user and password. */
function bare(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
