/** Secrets taken out of what is kept of an exchange. */
import type { ChannelTarget } from '../channel.ts'
import type { OutgoingRequest } from './channel.ts'
import { clean, excerpt } from './text.ts'

const MASK = '***'
/** Characters that are kept of a request, and of an answer. */
const MOST = 4_096
/** Headers whose values may be shown; any other may hold a secret. */
const OPEN_HEADERS = ['content-type', 'user-agent', 'webhook-id', 'webhook-timestamp']
/** Shorter parts of an address are words, such as `services`. */
const SHORTEST_PART = 8

/** Every text that must not be shown, longest first. */
export function secretsOf(target: ChannelTarget): string[] {
  const secrets: (string | null)[] = []
  if ('secret' in target) secrets.push(...spellings(target.secret))
  if (target.type === 'email') secrets.push(...loginSpellings(target.username, target.secret))
  else secrets.push(...addressSecrets(target.url, !showsPath(target)))
  if (target.type === 'webhook') {
    for (const value of Object.values(target.headers)) {
      secrets.push(value, ...value.split(/\s+/).filter((part) => part.length >= SHORTEST_PART))
    }
  }
  const known = secrets.filter((secret) => secret !== null && secret.length > 3) as string[]
  return [...new Set(known)].sort((a, b) => b.length - a.length)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function spellings(secret: string | null): string[] {
  return secret === null ? [] : [secret, secret.replace(/^whsec_/, ''), base64(secret)]
}

/** As AUTH PLAIN and AUTH LOGIN write them. */
function loginSpellings(username: string | null, password: string | null): string[] {
  if (username === null || password === null) return []
  return [base64(`\0${username}\0${password}`), base64(`${username}\0${username}\0${password}`)]
}

function addressSecrets(url: string, inPath: boolean): string[] {
  const parsed = URL.parse(url)
  if (!parsed) return [url]
  const { username, password, pathname, search, searchParams } = parsed
  const parts = inPath ? pathname.split('/').filter((part) => part.length >= SHORTEST_PART) : []
  const login = password === '' ? [] : [base64(`${decode(username)}:${decode(password)}`)]
  const parameters = [...searchParams.values()].filter((value) => value.length >= SHORTEST_PART)
  return [search, ...parameters, username, password, ...login, ...parts].flatMap((part) => [
    part,
    decode(part),
  ])
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The text without the secrets, also as JSON writes them; cut at its end. `more`: characters left out behind it. */
export function hide(text: string, secrets: string[], more = 0): string {
  let hidden = text
  for (const secret of secrets) {
    for (const spelling of new Set([secret, JSON.stringify(secret).slice(1, -1)])) {
      hidden = hidden.replaceAll(spelling, MASK)
    }
  }
  return excerpt(hidden, MOST, { more })
}

/** The address as it may be shown; behind the host is what Slack, Teams and Discord know their callers by. */
export function maskUrl(url: string, showPath: boolean): string {
  const parsed = URL.parse(url)
  if (!parsed) return MASK
  const path = showPath ? parsed.pathname : parsed.pathname.length > 1 ? `/${MASK}` : '/'
  return `${parsed.protocol}//${parsed.host}${path}${parsed.search === '' || !showPath ? '' : `?${MASK}`}`
}

/** Behind the hosts of these are the paths of their documentation. */
function showsPath({ type }: ChannelTarget): boolean {
  return type === 'pagerduty' || type === 'ntfy' || type === 'gotify'
}

/** A request as it is kept: values of headers masked, but for harmless ones. */
export function recordRequest(request: OutgoingRequest, target: ChannelTarget): string {
  const headers = Object.entries(request.headers).map(
    ([name, value]) => `${name}: ${OPEN_HEADERS.includes(name.toLowerCase()) ? value : MASK}`,
  )
  const head = [`${request.method} ${maskUrl(request.url, showsPath(target))}`, ...headers].map((line) =>
    clean(line),
  )
  // What follows the limit is not shown, but a secret must not be cut in half before it is found.
  const body = request.body.slice(0, MOST * 8)
  const more = request.body.length - body.length
  return hide(`${head.join('\n')}\n\n${body}`, secretsOf(target), more)
}
