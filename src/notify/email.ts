/** E-mail by SMTP (RFC 5321): one message to all recipients, over a connection of its own. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { createTransport } from 'nodemailer'
import type { Exchange, Notification, Result } from '../channel.ts'
import { explainError, resultOfError, resultOfReply } from './answer.ts'
import type { Outgoing, Send, TargetOf } from './channel.ts'
import { renderEmail } from './email/message.ts'
import { hide, secretsOf } from './mask.ts'
import { isSingle } from './words.ts'

type Target = TargetOf<'email'>

/** What fails in the set-up, with no reply of the server to judge by. */
const PERMANENT_CODES = [
  'EAUTH',
  'ENOAUTH',
  'ETLS',
  'EENVELOPE',
  'EMESSAGE',
  'EREQUIRETLS',
  'ECONFIG',
  'EDNS',
]

/** The domain of the sender, which names our messages and threads. */
function domainOf(from: string): string {
  const domain = /@([^\s<>@,;]+)>?\s*$/.exec(from)?.[1] ?? ''
  return domainToASCII(domain) || 'tempo.invalid'
}

/** Letters that a Message-ID may have (RFC 5322, dot-atom). */
function atom(text: string): string {
  return text.replace(/[^\w-]/g, '-')
}

/**
 * The message with its headers. The same notification has the same Message-ID in each try, so that a repeat can be
 * recognised; those of one stack refer to one message that was never sent, so that programs show them together.
 */
export function composeEmail(target: Target, notification: Notification) {
  const domain = domainOf(target.from)
  const [first] = notification.items
  const thread =
    isSingle(notification) && notification.kind !== 'test'
      ? `<stack-${atom(first!.stackId)}@${domain}>`
      : null
  return {
    from: oneAddress(target.from),
    to: target.recipients.map(oneAddress),
    ...renderEmail(notification),
    date: notification.createdAt,
    messageId: `<${atom(notification.id)}@${domain}>`,
    ...(thread === null ? {} : { inReplyTo: thread, references: thread }),
    ...(notification.severity === 'critical' ? { priority: 'high' as const } : {}),
    // RFC 3834, 5: no automatic answers.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  }
}

/** Line ends would begin another header. */
function oneAddress(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
}

function transportOptions(target: Target, address: string, deadlineMs: number) {
  const { host, port, security, username, secret, verifyCertificate } = target
  const name = host.replace(/^\[|\]$/g, '')
  return {
    // The address that was checked, and the name that the certificate must have.
    host: address,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { ...(isIP(name) === 0 ? { servername: name } : {}), rejectUnauthorized: verifyCertificate },
    ...(username !== null ? { auth: { user: username, pass: secret ?? '' } } : {}),
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    socketTimeout: deadlineMs,
    dnsTimeout: deadlineMs,
    // The message has texts only, and nothing of it is fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

type Failure = Error & { code?: string; responseCode?: number; permanent?: boolean; response?: string }

/** Nodemailer tells 503, a broken session, from refusals. */
function resultOf(error: Failure): Result {
  if (error.responseCode !== undefined) {
    return error.permanent === undefined
      ? resultOfReply(error.responseCode)
      : error.permanent
        ? 'permanent'
        : 'passing'
  }
  return PERMANENT_CODES.includes(error.code ?? '') ? 'permanent' : resultOfError(error)
}

function explain(error: Failure, target: Target, deadlineMs: number): string {
  if (error.code === 'EABORT')
    return `The server did not finish in time: no answer within ${deadlineMs / 1000} s.`
  if (target.security === 'starttls' && error.code === 'ETLS') {
    return `STARTTLS is demanded, and did not succeed; nothing was sent. (${explainError(error)})`
  }
  return explainError(error)
}

/** The request as it is kept. */
function record(target: Target, mail: ReturnType<typeof composeEmail>): string {
  const login = target.username === null ? 'without login' : `as ${target.username}`
  return [
    `SMTP ${target.host}:${target.port} (${target.security}) ${login}`,
    `From: ${mail.from}`,
    `To: ${mail.to.join(', ')}`,
    `Subject: ${mail.subject}`,
    `Message-ID: ${mail.messageId}`,
    '',
    mail.text,
  ].join('\n')
}

async function deliver(target: Target, mail: ReturnType<typeof composeEmail>, outgoing: Outgoing) {
  const { deadlineMs } = outgoing
  const signal = AbortSignal.timeout(deadlineMs)
  const transport = createTransport(transportOptions(target, await outgoing.resolve(target.host), deadlineMs))
  try {
    return await transport.sendMail({ ...mail, signal })
  } finally {
    transport.close()
  }
}

export const sendEmail: Send<'email'> = async (target, notification, outgoing) => {
  const secrets = secretsOf(target)
  const mail = composeEmail(target, notification)
  const about = { request: hide(record(target, mail), secrets), retryAfterMs: null }
  const ended = (result: Result, status: number | null, answer: string): Exchange => ({
    ...about,
    result,
    status,
    answer: hide(answer, secrets),
  })
  try {
    const { response, rejected, rejectedErrors } = await deliver(target, mail, outgoing)
    const status = Number.parseInt(response, 10) || null
    if (rejected.length === 0) return ended('sent', status, response)
    // To the others it is sent: a second try would send it to them once more.
    const reasons = (rejectedErrors ?? []).map(({ message }) => message)
    return ended('sent', status, [response, `Refused: ${rejected.join(', ')}`, ...reasons].join('\n'))
  } catch (error) {
    const failure = error as Failure
    return ended(
      resultOf(failure),
      failure.responseCode ?? null,
      explain(failure, target, outgoing.deadlineMs),
    )
  }
}
