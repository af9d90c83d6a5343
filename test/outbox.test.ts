import assert from 'node:assert/strict'
import { test } from 'node:test'
import { v7 as uuidv7 } from 'uuid'
import { WEEKDAYS } from '../src/channel.ts'
import { insertSilence } from '../src/storage/channels.ts'
import { resendRows } from '../src/storage/outbox.ts'
import { triageStacks } from '../src/storage/triage.ts'
import { createTestDatabase } from './helpers/database.ts'
import { openDesk } from './helpers/dispatch.ts'
import { HOUR, MINUTE } from './helpers/events.ts'
import { makeDataDir, startServer } from './helpers/process.ts'
import { type Received, type Receiver, startReceiver } from './helpers/receiver.ts'
import { eventually } from './helpers/server.ts'

const SECOND = 1_000

// biome-ignore lint/suspicious/noExplicitAny: what is asked of it differs in each test.
const dataOf = ({ body }: Received): any => JSON.parse(body).data
const idOf = ({ headers }: Received) => headers['webhook-id']
const eventsIn = (requests: Received[]): number =>
  requests.reduce((sum, request) => sum + dataOf(request).counts.events, 0)

/** Each message once, however often it came. */
function distinct(requests: Received[]): Received[] {
  return [...new Map(requests.map((request) => [idOf(request), request])).values()]
}

async function openReceiver(t: { after: (end: () => Promise<void>) => void }): Promise<Receiver> {
  const receiver = await startReceiver()
  t.after(receiver.stop)
  return receiver
}

const hook = ({ url }: Receiver, name = 'hook') => ({ name, type: 'webhook' as const, url: `${url}/${name}` })

test('10,000 events in a minute are a handful of messages, and none is left out', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel({ ...hook(receiver), groupWaitSeconds: 5, groupIntervalSeconds: 60 })
  for (let second = 0; second < 60; second += 3) {
    await desk.store(
      ...Array.from({ length: 500 }, (_, n) => ({
        key: `node-${n % 40}`,
        node: `node-${n % 40}`,
        title: `Trouble ${second}/${n}`,
        severity: n % 100 === 0 ? ('critical' as const) : ('error' as const),
      })),
    )
    await desk.pass(3 * SECOND, SECOND)
  }
  await desk.pass(2 * MINUTE, SECOND)
  assert.equal(eventsIn(receiver.requests), 10_000)
  assert.ok(receiver.requests.length <= 8, `${receiver.requests.length} messages`)
  assert.equal(distinct(receiver.requests).length, receiver.requests.length)
  assert.equal(dataOf(receiver.requests.at(-1)!).counts.stacks, 40)
})

test('a receiver that is away for an hour gets one summary of what it missed, each event once', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel(hook(receiver))
  receiver.reply('reset')
  await desk.store({ title: 'First' })
  await desk.look()
  for (let minute = 0; minute < 60; minute++) {
    await desk.store({ title: `At ${minute}`, key: `job-${minute % 7}` })
    await desk.pass(MINUTE)
  }
  const tries = receiver.requests.length
  assert.ok(tries > 4 && tries < 14, `${tries} tries`)
  assert.equal(new Set(receiver.requests.map(idOf)).size, 1)
  receiver.reply(200)
  await desk.pass(HOUR, MINUTE)
  const [first, summary, ...more] = distinct(receiver.requests)
  assert.equal(more.length, 0)
  assert.equal(dataOf(first!).items[0].title, 'First')
  assert.deepEqual([dataOf(summary!).kind, dataOf(summary!).counts.events], ['summary', 60])
  assert.match(dataOf(summary!).because, /late/)
})

test('a failure that may pass is tried again under the same id, as late as the receiver asks', async (t) => {
  const [desk, receiver] = [await openDesk(t, 300), await openReceiver(t)]
  await desk.channel(hook(receiver))
  const replies = [
    500,
    { status: 429, headers: { 'retry-after': '1200' } },
    'hang' as const,
    'reset' as const,
    'reset' as const,
    503,
  ]
  receiver.reply(() => replies[receiver.requests.length - 1] ?? 200)
  await desk.store({})
  await desk.look()
  assert.equal(receiver.requests.length, 1)
  await desk.pass(15 * SECOND)
  assert.equal(receiver.requests.length, 2)
  await desk.pass(19 * MINUTE, MINUTE)
  assert.equal(receiver.requests.length, 2, 'not before the 20 minutes that it asked for')
  await desk.pass(90 * MINUTE, MINUTE)
  const last = receiver.requests.length
  assert.ok(last >= 6, `${last} requests`)
  assert.equal(new Set(receiver.requests.map(idOf)).size, 1)
  assert.equal(
    new Set(receiver.requests.map(({ body }) => JSON.stringify(dataOf({ body } as Received).items))).size,
    1,
  )
  await desk.pass(2 * HOUR, MINUTE)
  assert.equal(receiver.requests.length, last)
})

test('a receiver that has said yes and then breaks off has taken it', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel(hook(receiver))
  receiver.reply('half')
  await desk.store({})
  await desk.pass(HOUR, MINUTE)
  assert.equal(receiver.requests.length, 1)
})

test('after a day of failures a message is given up, and the next one tried', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  const id = await desk.channel(hook(receiver))
  receiver.reply(503)
  await desk.store({ title: 'Old' })
  await desk.pass(25 * HOUR, 10 * MINUTE)
  const tries = receiver.requests.length
  assert.ok(tries >= 25 && tries < 50, `${tries} tries in a day`)
  receiver.reply(200)
  await desk.store({ title: 'New' })
  await desk.pass(10 * MINUTE)
  assert.equal(dataOf(receiver.requests.at(-1)!).items[0].title, 'New')
  const [message] = await desk.db
    .read`SELECT state, tries FROM messages WHERE channel_id = ${id} ORDER BY id LIMIT 1`
  assert.deepEqual([message!.state, message!.tries], ['failed', tries])
})

test('what a receiver refuses for good is not tried again, and can be sent again by hand', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel(hook(receiver))
  receiver.reply(404)
  await desk.store({ title: 'Refused' })
  await desk.pass(3 * HOUR, MINUTE)
  assert.equal(receiver.requests.length, 1)
  receiver.reply(200)
  const [{ channel_id: channelId, id: messageId } = {} as never] = await desk.db
    .read`SELECT id, channel_id FROM messages`
  assert.equal(await resendRows(desk.db, channelId, { messageId }, desk.now()), 1)
  await desk.pass(MINUTE)
  assert.equal(dataOf(receiver.requests[1]!).items[0].title, 'Refused')
  assert.notEqual(idOf(receiver.requests[1]!), idOf(receiver.requests[0]!))
  assert.equal(await resendRows(desk.db, channelId, { since: new Date(0) }, desk.now()), 1)
})

test('several servers share the work, and each message is sent by one', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  for (let n = 0; n < 6; n++) await desk.channel(hook(receiver, `hook-${n}`))
  const servers = [desk.dispatch, desk.another(), desk.another()]
  for (let round = 0; round < 10; round++) {
    await desk.store({ title: `Round ${round}` }, { title: `Also ${round}` })
    await Promise.all(servers.map((server) => server.look()))
    await Promise.all(servers.map((server) => server.settle()))
    await desk.pass(SECOND)
  }
  assert.equal(distinct(receiver.requests).length, receiver.requests.length)
  assert.equal(eventsIn(receiver.requests), 6 * 20)
})

test('a channel that hangs delays no other', async (t) => {
  const [desk, dead, alive] = [await openDesk(t, 4_000), await openReceiver(t), await openReceiver(t)]
  await desk.channel(hook(dead, 'dead'))
  await desk.channel(hook(alive, 'alive'))
  dead.reply('hang')
  await desk.store({ title: 'One' })
  await desk.dispatch.look()
  await eventually(async () => dead.requests.length === 1 && alive.requests.length === 1)
  await desk.store({ title: 'Two' })
  // The first channel's work is still under way.
  await eventually(async () => {
    await desk.dispatch.look()
    return alive.requests.length === 2
  })
  assert.equal(dead.requests.length, 1)
  await desk.dispatch.settle()
})

test('a restart sends no burst', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel(hook(receiver))
  for (let n = 0; n < 5; n++) await desk.store(...Array.from({ length: 40 }, () => ({ title: `Waits ${n}` })))
  await desk.look()
  assert.equal(receiver.requests.length, 1)
  assert.equal(eventsIn(receiver.requests), 200)
  assert.equal(dataOf(receiver.requests[0]!).kind, 'group')
})

test('quiet hours let critical events through, and end with a summary', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  // The clock begins at midnight UTC.
  const quietHours = { from: '22:00', to: '07:30', timezone: 'Europe/Berlin', days: [...WEEKDAYS] }
  await desk.channel({ ...hook(receiver), quietHours })
  await desk.store({ title: 'Quiet 1' }, { title: 'Loud', severity: 'critical' })
  await desk.pass(HOUR, 10 * MINUTE)
  assert.deepEqual(
    receiver.requests.map((one) => dataOf(one).items[0].title),
    ['Loud'],
  )
  await desk.store({ title: 'Quiet 2' })
  await desk.pass(5 * HOUR + 20 * MINUTE, 10 * MINUTE)
  assert.equal(receiver.requests.length, 1)
  await desk.pass(20 * MINUTE, 10 * MINUTE)
  const summary = dataOf(receiver.requests[1]!)
  assert.deepEqual(
    [summary.kind, summary.because, summary.counts.events],
    ['summary', 'Quiet hours are over.', 2],
  )
})

test('a digest comes once a day, and what is as bad as its exception at once', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  const digest = { at: '08:00', timezone: 'Asia/Tokyo', except: 'critical' as const }
  await desk.channel({ ...hook(receiver), digest })
  await desk.store({ title: 'One' }, { title: 'Fire', severity: 'critical' })
  await desk.pass(22 * HOUR, HOUR)
  assert.deepEqual(
    receiver.requests.map((one) => dataOf(one).items[0].title),
    ['Fire'],
  )
  await desk.store({ title: 'Two', severity: 'warning' })
  await desk.pass(2 * HOUR, 10 * MINUTE)
  assert.equal(receiver.requests.length, 2)
  const { kind, because, counts } = dataOf(receiver.requests[1]!)
  assert.deepEqual([kind, because, counts.events], ['summary', 'This is the daily summary.', 2])
})

test('a stack is told of again only when it gets worse, or after the time that was set', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel({ ...hook(receiver), repeatMinutes: 60 })
  const again = (severity: 'warning' | 'error') => desk.store({ key: 'pve1', severity, windowMs: 24 * HOUR })
  for (const severity of ['warning', 'warning', 'error', 'warning', 'error'] as const) {
    await again(severity)
    await desk.pass(MINUTE)
  }
  assert.deepEqual(
    receiver.requests.map((one) => dataOf(one).severity),
    ['warning', 'error'],
  )
  await desk.pass(HOUR)
  await again('warning')
  await desk.pass(MINUTE)
  assert.equal(receiver.requests.length, 3)
  const held = await desk.db.read`SELECT reason FROM outbox WHERE state = 'held'`
  assert.equal(held.length, 3)
  assert.match(held[0]!.reason, /already/)
})

test('reminders come until somebody acknowledges, and no more often than they may', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel({ ...hook(receiver), remindMinutes: 30, maxReminders: 3 })
  const [seen, unseen] = await desk.store({ key: 'seen' }, { key: 'unseen' })
  await desk.pass(35 * MINUTE, MINUTE)
  assert.deepEqual(
    dataOf(receiver.requests[1]!).items.map((item: { occasion: string }) => item.occasion),
    ['reminder', 'reminder'],
  )
  await triageStacks(desk.db, 'ack', [seen!.stackId])
  await desk.pass(5 * HOUR, MINUTE)
  const reminded = receiver.requests.slice(2).flatMap((one) => dataOf(one).items)
  assert.deepEqual(
    reminded.map(({ stackId }: { stackId: string }) => stackId),
    [unseen!.stackId, unseen!.stackId],
  )
})

test('the end of a trouble is told to whom the trouble was told', async (t) => {
  const [desk, told, other] = [await openDesk(t), await openReceiver(t), await openReceiver(t)]
  await desk.channel(hook(told, 'told'))
  await desk.channel({ ...hook(other, 'other'), minSeverity: 'critical' })
  const session = { key: 'alert/1', windowMs: null }
  const [down] = await desk.store({ ...session, role: 'opens', title: 'Down' })
  await desk.pass(MINUTE)
  const [up] = await desk.store({ ...session, role: 'closes', severity: 'ok', title: 'Up' })
  await desk.pass(MINUTE)
  assert.equal(up!.stackId, down!.stackId)
  assert.deepEqual(
    told.requests.map((one) => dataOf(one).items[0].occasion),
    ['event', 'resolved'],
  )
  assert.equal(other.requests.length, 0)
})

test('a silence holds back what it names, says why, and ends', async (t) => {
  const [desk, receiver] = [await openDesk(t), await openReceiver(t)]
  await desk.channel(hook(receiver))
  const span = { from: desk.now(), to: new Date(desk.now().getTime() + HOUR) }
  const scope = { channels: [], providers: [], nodes: ['pve-0*'], vmids: [], match: [{ TaskType: 'vzdump' }] }
  const by = { createdBy: 'test', createdAt: desk.now() }
  await insertSilence(desk.db, { id: uuidv7(), reason: 'moving house', ...span, ...scope, ...by })
  await desk.book.reload()
  const metadata = { TaskType: 'vzdump' }
  await desk.store(
    { title: 'Silenced', metadata },
    { title: 'Elsewhere', node: 'other', metadata },
    { title: 'Other kind' },
  )
  await desk.pass(MINUTE)
  const told = receiver.requests.flatMap((one) =>
    dataOf(one).items.map((item: { title: string }) => item.title),
  )
  assert.deepEqual(told.sort(), ['Elsewhere', 'Other kind'])
  const [held] = await desk.db.read`SELECT reason FROM outbox WHERE state = 'held'`
  assert.match(held!.reason, /moving house/)
  await desk.pass(HOUR)
  await desk.store({ title: 'Afterwards', metadata })
  await desk.pass(MINUTE)
  assert.equal(dataOf(receiver.requests.at(-1)!).items[0].title, 'Afterwards')
})

test('a server that is killed between sending and noting it sends the same id again', async (t) => {
  const receiver = await openReceiver(t)
  const database = await createTestDatabase()
  t.after(database.drop)
  const env = { DATABASE_URL: database.url, TEMPO_DATA_DIR: await makeDataDir(t) }
  const first = await startServer(t, env)
  const call = (path: string, body: unknown, url = first.url) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'X-Tempo-Token': first.adminToken, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  const made = await call('/api/v1/channels', { ...hook(receiver), groupWaitSeconds: 0 })
  assert.equal(made.status, 201)
  receiver.reply(() => {
    if (receiver.requests.length === 1) first.kill('SIGKILL')
    return receiver.requests.length === 1 ? 'hang' : 200
  })
  const posted = await call('/ingest', {
    providerIdentifier: 'com.example',
    title: 'Killed',
    severity: 'error',
  })
  assert.equal(posted.status, 200)
  await first.exited
  const db = database.open()
  // The killed one held the channel for some more seconds.
  await db.read`UPDATE channel_states SET lease_until = now()`
  await startServer(t, env)
  await eventually(async () => receiver.requests.length >= 2)
  assert.equal(idOf(receiver.requests[1]!), idOf(receiver.requests[0]!))
  await eventually(async () => (await db.read`SELECT FROM messages WHERE state = 'sent'`).length === 1)
  assert.equal(receiver.requests.length, 2)
})
