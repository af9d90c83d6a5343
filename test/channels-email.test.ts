/** E-mail to a real mail server, over each kind of connection. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ChannelTarget, Notification } from '../src/channel.ts'
import { createOutgoing, type OutgoingOptions } from '../src/notify/outgoing.ts'
import { createSend } from '../src/notify/senders.ts'
import { type MailServer, type MailServerOptions, startMailServer } from './helpers/mail-server.ts'
import { AT, everyKind, HOSTILE, makeItem, makeNotification, recordedItems } from './helpers/notifications.ts'

type EmailTarget = Extract<ChannelTarget, { type: 'email' }>
const LOGIN = { username: 'tempo', password: 'pass "word" ü' }
const NOTIFICATION = makeNotification([makeItem()])

async function open(t: TestContext, options: MailServerOptions): Promise<MailServer> {
  const server = await startMailServer(options)
  t.after(server.stop)
  return server
}

function targetOf(server: MailServer, changes: Partial<EmailTarget> = {}): EmailTarget {
  return {
    type: 'email',
    host: 'localhost',
    port: server.port,
    security: 'none',
    username: null,
    secret: null,
    from: 'Tempo <tempo@example.org>',
    recipients: ['ops@example.org'],
    verifyCertificate: true,
    ...changes,
  }
}

// The server listens on one of localhost's addresses only.
const lookup = async () => [{ address: '127.0.0.1', family: 4 }]

function attempt(
  target: EmailTarget,
  notification: Notification = NOTIFICATION,
  options: Partial<OutgoingOptions> = {},
) {
  return createSend(createOutgoing({ allowPrivate: true, lookup, ...options }))(target, notification)
}

test('mail arrives by STARTTLS, by TLS and in clear, with a login and without', async (t) => {
  for (const security of ['starttls', 'tls', 'none'] as const) {
    for (const login of [LOGIN, undefined]) {
      const server = await open(t, { security, ...(login ? { login } : {}) })
      const target = targetOf(server, {
        security,
        verifyCertificate: false,
        ...(login ? { username: login.username, secret: login.password } : {}),
      })
      const exchange = await attempt(target)
      assert.deepEqual([exchange.result, exchange.status], ['sent', 250], `${security}: ${exchange.answer}`)
      const [mail] = server.mails
      assert.deepEqual([mail!.secure, mail!.user], [security !== 'none', login?.username])
      // It connects to an address, and asks for the certificate of the name.
      assert.equal(mail!.servername, security === 'none' ? null : 'localhost')
      assert.deepEqual([mail!.from, mail!.recipients], ['tempo@example.org', ['ops@example.org']])
      assert.doesNotMatch(exchange.request + exchange.answer, /pass "word"/)
    }
  }
})

test('a certificate that nobody vouches for is refused, unless told otherwise', async (t) => {
  for (const security of ['starttls', 'tls'] as const) {
    const server = await open(t, { security, login: LOGIN })
    const login = { username: LOGIN.username, secret: LOGIN.password }
    const exchange = await attempt(targetOf(server, { security, ...login }))
    assert.deepEqual([exchange.result, exchange.status], ['permanent', null], exchange.answer)
    assert.match(exchange.answer, /self-signed/)
    assert.deepEqual([server.mails, server.clear], [[], []])
  }
})

test('when STARTTLS is demanded and not on offer, neither login nor mail is sent in clear', async (t) => {
  const server = await open(t, { security: 'none', login: LOGIN })
  const login = { username: LOGIN.username, secret: LOGIN.password }
  const exchange = await attempt(
    targetOf(server, { security: 'starttls', verifyCertificate: false, ...login }),
  )
  assert.equal(exchange.result, 'permanent', exchange.answer)
  assert.match(exchange.answer, /STARTTLS is demanded/)
  assert.deepEqual([server.mails, server.clear], [[], []])
})

test('without TLS means without, though the server offers it', async (t) => {
  const server = await open(t, { security: 'starttls' })
  const exchange = await attempt(targetOf(server, { security: 'none' }))
  assert.equal(exchange.result, 'sent', exchange.answer)
  assert.equal(server.mails[0]!.secure, false)
})

test('a wrong password fails for good', async (t) => {
  const server = await open(t, { security: 'none', login: LOGIN })
  const exchange = await attempt(targetOf(server, { username: 'tempo', secret: 'wrong-password' }))
  assert.deepEqual([exchange.result, exchange.status], ['permanent', 535])
  assert.match(exchange.answer, /Authentication failed/)
  assert.doesNotMatch(exchange.request + exchange.answer, /wrong-password/)
})

test('4xx may pass, 5xx will not', async (t) => {
  for (const [code, result] of [
    [451, 'passing'],
    [452, 'passing'],
    [421, 'passing'],
    [550, 'permanent'],
    [554, 'permanent'],
  ] as const) {
    const server = await open(t, { security: 'none', refuseMessage: { code, text: 'the reason' } })
    const exchange = await attempt(targetOf(server))
    assert.deepEqual([exchange.result, exchange.status], [result, code], exchange.answer)
    assert.match(exchange.answer, /the reason/)
    const full = await open(t, { security: 'none', refuse: () => ({ code, text: 'the mailbox' }) })
    const refused = await attempt(targetOf(full, { recipients: ['a@example.org', 'b@example.org'] }))
    assert.deepEqual([refused.result, refused.status], [result, code], refused.answer)
  }
})

test('when some of all recipients may be taken later, all are tried again', async (t) => {
  const refuse = (recipient: string) => ({ code: recipient.startsWith('a') ? 550 : 450, text: 'no' })
  for (const recipients of [
    ['a@example.org', 'b@example.org'],
    ['b@example.org', 'a@example.org'],
  ]) {
    const server = await open(t, { security: 'none', refuse })
    assert.equal((await attempt(targetOf(server, { recipients }))).result, 'passing')
  }
})

test('one refused recipient among several does not keep the others from it, and is told', async (t) => {
  const refuse = (recipient: string) =>
    recipient.startsWith('gone') ? { code: 550, text: 'No such user' } : null
  const server = await open(t, { security: 'none', refuse })
  const recipients = ['ops@example.org', 'gone@example.org', 'Jürgen <j@example.org>']
  const exchange = await attempt(targetOf(server, { recipients }))
  assert.deepEqual([exchange.result, exchange.status], ['sent', 250])
  assert.match(exchange.answer, /Refused: gone@example\.org\n.*550 No such user/s)
  assert.deepEqual(server.mails[0]!.recipients, ['ops@example.org', 'j@example.org'])
})

test('a server that is away, or never answers, may answer later', async (t) => {
  const server = await open(t, { security: 'none', hang: true })
  const hanging = await attempt(targetOf(server), NOTIFICATION, { deadlineMs: 500 })
  assert.deepEqual([hanging.result, hanging.status], ['passing', null])
  assert.match(hanging.answer, /within 0\.5 s/)
  const away = await open(t, { security: 'none' })
  await away.stop()
  const exchange = await attempt(targetOf(away))
  assert.deepEqual([exchange.result, exchange.status], ['passing', null])
  assert.match(exchange.answer, /Nothing listens/)
})

test('a mail server at a forbidden address is not connected to', async (t) => {
  const server = await open(t, { security: 'none' })
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
    const exchange = await attempt(targetOf(server, { host }), NOTIFICATION, { allowPrivate: false })
    assert.equal(exchange.result, 'permanent', host)
    assert.match(exchange.answer, /Private addresses are not allowed/)
  }
  const metadata = async () => [{ address: '169.254.169.254', family: 4 }]
  assert.match((await attempt(targetOf(server), NOTIFICATION, { lookup: metadata })).answer, /never allowed/)
  assert.equal((await attempt(targetOf(server, { host: '127.0.0.1' }))).result, 'sent')
})

test('headers say that it was sent by a machine, and let a repeat and a thread be recognised', async (t) => {
  const server = await open(t, { security: 'none' })
  const target = targetOf(server, {
    recipients: ['a@example.org', 'Bücher & Co. <b@bücher.example>'],
    from: 'Tempo für alle <tempo@bücher.example>',
  })
  const critical = makeItem({ severity: 'critical' })
  for (const notification of [
    makeNotification([critical]),
    makeNotification([critical]),
    makeNotification([makeItem({ occasion: 'resolved' })], { id: 'other' }),
  ]) {
    assert.equal((await attempt(target, notification)).result, 'sent')
  }
  const group = makeNotification([makeItem(), makeItem({ stackId: 'b' })])
  assert.equal((await attempt(target, group)).result, 'sent')
  const [first, again, resolved, several] = server.mails.map(({ mail }) => mail)
  assert.equal(first!.messageId, '<01992f00-0000-7000-8000-00000000000f@xn--bcher-kva.example>')
  assert.equal(again!.messageId, first!.messageId)
  assert.notEqual(resolved!.messageId, first!.messageId)
  assert.deepEqual([first!.references, first!.inReplyTo], [resolved!.references, resolved!.inReplyTo])
  assert.match(first!.references!, /^<stack-01992f00-0000-7000-8000-0000000000aa@xn--bcher-kva\.example>$/)
  assert.equal(several!.references, undefined)
  const header = (name: string) => first!.headers.find(({ key }) => key === name)?.value
  assert.deepEqual(
    [header('auto-submitted'), header('x-auto-response-suppress'), header('x-priority')],
    ['auto-generated', 'All', '1 (Highest)'],
  )
  assert.equal(new Date(first!.date!).getTime(), Math.floor(AT.getTime() / 1000) * 1000)
  assert.deepEqual(first!.from, { name: 'Tempo für alle', address: 'tempo@xn--bcher-kva.example' })
  assert.deepEqual(
    first!.to!.map(({ name }) => name),
    ['', 'Bücher & Co.'],
  )
  assert.equal(first!.subject, '🔴 Backup failed')
  assert.equal(resolved!.subject, '✅ Resolved: Backup failed')
  assert.equal(several!.subject, '🟠 2 events in 2 stacks: 2 error')
})

test('every recorded event in every notification arrives, in text and in HTML', async (t) => {
  const server = await open(t, { security: 'none' })
  for (const [name, item] of recordedItems()) {
    server.mails.length = 0
    const kinds = everyKind(item).map(([kind, notification], index) => ({
      kind,
      notification: { ...notification, id: `${index}` },
    }))
    // The server greets each connection late, so they go at once.
    await Promise.all(
      kinds.map(async ({ kind, notification }) => {
        const exchange = await attempt(targetOf(server), notification)
        assert.equal(exchange.result, 'sent', `${name} ${kind}: ${exchange.answer}`)
      }),
    )
    for (const [index, { kind }] of kinds.entries()) {
      const received = server.mails.find(({ mail }) => mail.messageId === `<${index}@example.org>`)
      assert.ok(received, `${name} ${kind}`)
      const { mail, raw, recipients } = received
      const { text, html, subject } = mail as { text: string; html: string; subject: string }
      for (const part of [text, html, subject]) {
        assert.ok(part.length > 0 && part.isWellFormed(), `${name} ${kind}`)
        assert.doesNotMatch(
          part,
          /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|undefined|\[object|NaN/,
          `${name} ${kind}`,
        )
      }
      assert.ok(subject.length <= 200 && !subject.includes('\n'))
      // Gmail shows no more; the part may be longer than its text by how it is encoded.
      assert.ok(Buffer.byteLength(html) <= 102_000, `${name} ${kind}: ${Buffer.byteLength(html)}`)
      assert.ok(raw.split('\r\n').every((line) => line.length <= 998))
      assert.deepEqual(recipients, ['ops@example.org'])
      if (kind.startsWith('1 MiB')) {
        assert.match(text, /… \(\d+ more characters\)\n\n/, kind)
        assert.match(html, /… \(\d+ more characters\)<\/pre>/, kind)
      }
      if (kind === 'test') assert.match(text, /This is a test of the channel/)
      if (kind === 'summary') assert.match(text, /Quiet hours are over/)
      if (kind === 'group') assert.match(text, /and 10 more/)
    }
  }
})

test('what an event says becomes neither a tag nor a header', async (t) => {
  const server = await open(t, { security: 'none' })
  const item = makeItem({
    title: HOSTILE,
    message: HOSTILE,
    label: HOSTILE,
    links: [{ label: HOSTILE, url: 'https://example.org/"><script>' }],
  })
  const channel = { id: 'c', name: HOSTILE }
  const target = targetOf(server, { from: 'Tempo\r\nBcc: evil@example.org <tempo@example.org>' })
  for (const items of [[item], [item, { ...item, stackId: 'b' }]]) {
    server.mails.length = 0
    await attempt(target, makeNotification(items, { channel, because: HOSTILE }))
    const { mail, raw, recipients } = server.mails[0]!
    assert.deepEqual(recipients, ['ops@example.org'])
    assert.equal(
      mail.headers.find(({ key }) => key === 'bcc'),
      undefined,
    )
    assert.doesNotMatch(raw.slice(0, raw.indexOf('\r\n\r\n')), /^Bcc/im)
    const tags = new Set(mail.html!.match(/<[^>\s]+/g))
    const known = [
      '<!doctype',
      '<html',
      '</html',
      '<head',
      '</head',
      '<meta',
      '<title',
      '</title',
      '<body',
      '</body',
      '<div',
      '</div',
      '<h1',
      '</h1',
      '<bdi',
      '</bdi',
      '<p',
      '</p',
      '<table',
      '</table',
      '<tr',
      '</tr',
      '<td',
      '</td',
      '<pre',
      '</pre',
      '<a',
      '</a',
      '<strong',
      '</strong',
      '<br',
      '<span',
      '</span',
    ]
    assert.deepEqual(
      [...tags].filter((tag) => !known.includes(tag)),
      [],
    )
    assert.doesNotMatch(mail.html!, /<[^>]*\son\w+=/)
    assert.doesNotMatch(mail.html!, /href="(?!https?:)/)
  }
})

test('the actions of a stack are links, and so is Tempo', async (t) => {
  const server = await open(t, { security: 'none' })
  await attempt(targetOf(server))
  const { text, html } = server.mails[0]!.mail
  assert.match(
    html!,
    /<a href="https:\/\/tempo\.example\.org\/stacks\/1\?from=mail&amp;x=\(1\)"[^>]*>Open in Tempo<\/a>/,
  )
  assert.match(html!, /<a href="https:\/\/pve1\.example\.lan:8006\/#v1:0:=qemu%2F102"[^>]*>Open Proxmox<\/a>/)
  assert.match(text!, /Open Proxmox: https:\/\/pve1\.example\.lan:8006\/#v1:0:=qemu%2F102/)
  assert.match(
    text!,
    /Severity: +Error · Backup failed\nSource: +Proxmox\nNode: +pve1\nVMID: +102\nTime: +2026-11-21T02:00:04Z\n\ndb01: exit code 255\n/,
  )
})
