/** How a try ends when a receiver refuses, is slow, is away, or must not be reached; over real connections. */
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import type { ChannelTarget } from '../src/channel.ts'
import { createOutgoing, type OutgoingOptions } from '../src/notify/outgoing.ts'
import { createSend } from '../src/notify/senders.ts'
import { selfSigned } from './helpers/mail-server.ts'
import { makeItem, makeNotification } from './helpers/notifications.ts'
import { type Receiver, type Reply, startReceiver } from './helpers/receiver.ts'

let receiver: Receiver
before(async () => {
  receiver = await startReceiver()
})
after(() => receiver.stop())
afterEach(() => receiver.reply(200))

const NOTIFICATION = makeNotification([makeItem()])

function slackAt(url: string): ChannelTarget {
  return { type: 'slack', url }
}

function attempt(target: ChannelTarget, options: Partial<OutgoingOptions> = {}, notification = NOTIFICATION) {
  return createSend(createOutgoing({ allowPrivate: true, ...options }))(target, notification)
}

/** Every type over HTTP, at this receiver. */
function targets(url: string): ChannelTarget[] {
  const signing = {
    method: 'POST',
    headers: {},
    secret: null,
    signature: 'standard',
    signatureHeader: 'X-Signature',
  } as const
  return [
    ...(['slack', 'teams', 'discord'] as const).map((type) => ({ type, url })),
    { type: 'webhook', url, ...signing },
    { type: 'pagerduty', url, secret: 'k'.repeat(32) },
    { type: 'ntfy', url, topic: 'alerts', secret: null },
    { type: 'gotify', url, secret: 'token' },
  ]
}

const STATUSES: [status: number, result: string][] = [
  [200, 'sent'],
  [202, 'sent'],
  [204, 'sent'],
  [400, 'permanent'],
  [401, 'permanent'],
  [404, 'permanent'],
  [408, 'passing'],
  [410, 'permanent'],
  [429, 'passing'],
  [500, 'passing'],
  [503, 'passing'],
]

for (const [status, result] of STATUSES) {
  test(`${status} is ${result}, at every channel`, async () => {
    receiver.reply({ status, ...(status === 204 ? {} : { body: 'the reason' }) })
    for (const target of targets(receiver.url)) {
      const exchange = await attempt(target)
      assert.deepEqual([exchange.result, exchange.status], [result, status], target.type)
      if (status !== 204) assert.match(exchange.answer, /the reason/)
      assert.equal(exchange.retryAfterMs, null)
    }
  })
}

test('a redirect is not followed, and said so', async () => {
  const elsewhere = await startReceiver()
  try {
    for (const status of [301, 302, 303, 307, 308]) {
      receiver.reply({ status, headers: { location: `${elsewhere.url}/there` } })
      const exchange = await attempt(slackAt(receiver.url))
      assert.deepEqual([exchange.result, exchange.status], ['permanent', status])
      assert.match(exchange.answer, /Redirects are not followed/)
    }
    assert.deepEqual(elsewhere.requests, [])
  } finally {
    await elsewhere.stop()
  }
})

test('Retry-After is passed on, as seconds, as a date and as Discord writes it', async () => {
  const wait = async (reply: Reply) => {
    receiver.reply(reply)
    return (await attempt(slackAt(receiver.url))).retryAfterMs!
  }
  assert.equal(await wait({ status: 429, headers: { 'retry-after': '30' } }), 30_000)
  const date = new Date(Date.now() + 3_600_000).toUTCString()
  const left = await wait({ status: 503, headers: { 'retry-after': date } })
  assert.ok(left > 3_500_000 && left <= 3_600_000, `${left}`)
  assert.equal(await wait({ status: 429, body: '{"retry_after":1.5}' }), 1_500)
})

test('a connector of old that says 429 under a 200 is believed', async () => {
  receiver.reply({
    status: 200,
    body: 'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x',
  })
  assert.equal((await attempt({ type: 'teams', url: receiver.url })).result, 'passing')
})

test('a receiver that never answers is given up on in time', async () => {
  receiver.reply('hang')
  const began = Date.now()
  const exchange = await attempt(slackAt(receiver.url), { deadlineMs: 300 })
  assert.deepEqual([exchange.result, exchange.status], ['passing', null])
  assert.match(exchange.answer, /did not answer in time.*0\.3 s/)
  assert.ok(Date.now() - began < 5_000)
})

test('a receiver that accepted it and then says no more, or breaks off, has it', async () => {
  for (const reply of ['hang-in-body', 'half'] as const) {
    receiver.reply(reply)
    const exchange = await attempt(slackAt(receiver.url), { deadlineMs: 500 })
    assert.deepEqual([exchange.result, exchange.status], ['sent', 200], reply)
    assert.match(exchange.answer, /half of it/)
  }
})

test('a receiver that ends the connection may answer later', async () => {
  receiver.reply('reset')
  const exchange = await attempt(slackAt(receiver.url))
  assert.deepEqual([exchange.result, exchange.status], ['passing', null])
  assert.match(exchange.answer, /ended the connection/)
})

test('an endless answer is read only at its beginning', { timeout: 30_000 }, async () => {
  receiver.reply('endless')
  // It would take a minute to be given up on.
  const exchange = await attempt(slackAt(receiver.url), { deadlineMs: 60_000 })
  assert.deepEqual([exchange.result, exchange.status], ['permanent', 400])
  assert.match(exchange.answer, /^HTTP 400\nx+… \(\d+ more characters\)$/)
  assert.ok(exchange.answer.length <= 4_096)
})

test('a refused connection and an unknown host may pass', async () => {
  const free = createTcpServer()
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  const refused = await attempt(slackAt(`http://127.0.0.1:${port}/`))
  assert.deepEqual([refused.result, refused.status], ['passing', null])
  assert.match(refused.answer, /Nothing listens/)
  const lookup = async (host: string) => {
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
  }
  const unknown = await attempt(slackAt('https://receiver.invalid/'), { lookup })
  assert.deepEqual([unknown.result, unknown.status], ['passing', null])
  assert.match(unknown.answer, /No such host/)
})

test('this machine is not reached unless private addresses are allowed, in whatever form it is written', async () => {
  const before = receiver.requests.length
  const hosts = [
    '127.0.0.1',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    '127.0.0.1.',
  ]
  for (const host of hosts) {
    const exchange = await attempt(slackAt(`http://${host}:${receiver.port}/`), { allowPrivate: false })
    assert.equal(exchange.result, 'permanent', host)
    assert.match(exchange.answer, /Private addresses are not allowed/, host)
  }
  assert.equal(receiver.requests.length, before)
  assert.equal((await attempt(slackAt(`http://127.1:${receiver.port}/`))).result, 'sent')
})

test('metadata services are never reached, neither by address nor by a name that leads there', async () => {
  const hosts = [
    '169.254.169.254',
    '0xa9fea9fe',
    '[::ffff:169.254.169.254]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '100.100.100.200',
    '0.0.0.0',
    '255.255.255.255',
  ]
  for (const host of hosts) {
    const exchange = await attempt(slackAt(`http://${host}:${receiver.port}/latest/meta-data`))
    assert.equal(exchange.result, 'permanent', host)
    assert.match(exchange.answer, /never allowed/, host)
  }
  const lookup = async () => [{ address: '169.254.169.254', family: 4 }]
  const named = await attempt(slackAt('http://metadata.example/'), { lookup })
  assert.equal(named.result, 'permanent')
  assert.match(named.answer, /metadata\.example \(169\.254\.169\.254\) is not sent to/)
})

test('of the addresses of a name only allowed ones are connected to, and the first answer counts', async () => {
  let asked = 0
  const lookup = async () => {
    asked++
    const local = { address: '127.0.0.1', family: 4 }
    return asked === 1
      ? [{ address: '169.254.169.254', family: 4 }, local]
      : [{ address: '169.254.169.254', family: 4 }]
  }
  const exchange = await attempt(slackAt(`http://both.example:${receiver.port}/`), { lookup })
  assert.deepEqual([exchange.result, asked], ['sent', 1])
  assert.equal(receiver.requests.at(-1)!.headers.host, `both.example:${receiver.port}`)
})

test('a name service that hangs does not hold up anybody', async () => {
  const lookup = () => new Promise<never>(() => undefined)
  const exchange = await attempt(slackAt('http://slow.example/'), { lookup, deadlineMs: 200 })
  assert.equal(exchange.result, 'passing')
  const mail: ChannelTarget = {
    type: 'email',
    host: 'slow.example',
    port: 25,
    security: 'none',
    username: null,
    secret: null,
    from: 'a@example.org',
    recipients: ['b@example.org'],
    verifyCertificate: true,
  }
  assert.equal((await attempt(mail, { lookup, deadlineMs: 200 })).result, 'passing')
})

test('a certificate that nobody vouches for is not trusted', async () => {
  const server = createServer(selfSigned(), (_, response) => response.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const exchange = await attempt(slackAt(`https://localhost:${port}/`))
    assert.equal(exchange.result, 'permanent')
    assert.match(exchange.answer, /self-signed/)
  } finally {
    server.close()
  }
})

test('an address or a header that cannot be sent fails for good, before anything is sent', async () => {
  const before = receiver.requests.length
  for (const url of ['not an address', 'ftp://example.org/', 'file:///etc/passwd', '']) {
    assert.equal((await attempt(slackAt(url))).result, 'permanent', url)
  }
  const webhook: ChannelTarget = {
    type: 'webhook',
    url: receiver.url,
    method: 'POST',
    headers: { 'X-A': 'b\r\nX-Injected: 1' },
    secret: null,
    signature: 'standard',
    signatureHeader: 'X-Signature',
  }
  assert.equal((await attempt(webhook)).result, 'permanent')
  assert.equal((await attempt({ ...webhook, headers: { 'bad name': 'b' } })).result, 'permanent')
  assert.equal(receiver.requests.length, before)
})

test('of several requests to PagerDuty one that may pass lets all be tried again', async () => {
  const notification = makeNotification(
    Array.from({ length: 12 }, (_, index) => makeItem({ stackId: `${index}` })),
  )
  const target: ChannelTarget = { type: 'pagerduty', url: receiver.url, secret: 'k'.repeat(32) }
  const replyTo = (dedup: string, status: number) =>
    receiver.reply(({ body }) =>
      body.includes(`"tempo-${dedup}"`) ? { status, headers: { 'retry-after': '9' } } : 202,
    )
  replyTo('3', 429)
  const before = receiver.requests.length
  const passing = await attempt(target, {}, notification)
  assert.deepEqual([passing.result, passing.status, passing.retryAfterMs], ['passing', 429, 9_000])
  assert.match(passing.answer, /^4 of 12 accepted\.\nHTTP 429/)
  assert.equal(receiver.requests.length - before, 5)
  replyTo('3', 400)
  const permanent = await attempt(target, {}, notification)
  assert.deepEqual([permanent.result, permanent.status], ['permanent', 400])
  assert.match(permanent.answer, /^11 of 12 accepted/)
})
