import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFixtures } from '../../test/helpers/fixtures.ts'
import { type Body, dialect, fixture, NOW, parse as parseNative } from '../../test/helpers/proxmox.ts'
import { TempoError } from '../errors.ts'
import { createGotifyDialect, gotifyError, gotifyHealth, gotifyMessage, gotifyVersion } from './gotify.ts'
import { enrichProxmox } from './proxmox.ts'

const gotify = createGotifyDialect(dialect)

function parse(body: Body) {
  return gotify.parse(body, { now: NOW, provider: null })
}

/** A notification as the Gotify endpoint of Proxmox sends it. */
function asGotify(native: Body): Body {
  const priority = { info: 1, notice: 3, warning: 5, error: 9, unknown: 3 }[String(native.severity)]
  const extras = { 'client::display': { contentType: 'text/markdown' } }
  return { title: native.title, message: `\`\`\`\n${native.message}\n\`\`\``, priority, extras }
}

for (const { name } of loadFixtures('pve-native')) {
  test(`${name} through Gotify lacks only time, and fields that its text does not tell`, () => {
    const native = fixture(name.replace('.json', ''))
    const expected = parseNative(native).event
    const { event, warnings } = parse(asGotify(native))
    assert.deepEqual(warnings, [])
    const { NodeName, JobId, ...rest } = event.metadata
    const { NodeName: node, JobId: job, ...others } = expected.metadata
    assert.deepEqual(rest, others)
    assert.deepEqual(
      { ...event, startDate: null, metadata: null },
      { ...expected, startDate: null, metadata: null },
    )
    assert.deepEqual(event.startDate, NOW)
    const isReplication = name.includes('replication')
    assert.equal(NodeName, isReplication ? null : node)
    assert.equal(JobId, isReplication ? job : null)
    const [mine, theirs] = [enrichProxmox(event), enrichProxmox(expected)]
    assert.deepEqual([mine.kind, mine.guests, mine.outcome], [theirs.kind, theirs.guests, theirs.outcome])
  })
}

test('the recorded body loses its fence', () => {
  const { event } = parse(fixture('gotify/replication'))
  assert.equal(event.title, "Replication Job: '100-0' failed")
  assert.match(String(event.metadata.Message), /^Replication job .*\nError:\ne\n$/s)
  assert.deepEqual([event.metadata.severity, event.metadata.JobId], ['info', '100-0'])
})

test('priorities become severities, and 3 is a notice only under a title that Proxmox itself makes', () => {
  const known = 'New software packages available (pve1)'
  for (const [priority, title, severity] of [
    [1, known, 'info'],
    [3, known, 'notice'],
    [3, "Load Media 'T1' request for drive 'lto'", 'notice'],
    [3, 'SMART error (x) detected on host: pve1', 'unknown'],
    [3, 'any subject at all', 'unknown'],
    [5, known, 'warning'],
    [9, 'x', 'error'],
    ['9', 'x', 'error'],
    [0, 'x', 'info'],
    [8, 'x', 'warning'],
    [10, 'x', 'error'],
    [null, 'x', null],
    ['high', 'x', null],
  ] as const) {
    const { event } = parse({ title, message: 'm', priority })
    assert.equal(event.metadata.severity, severity, `${priority} ${title}`)
    const isMail = severity === 'unknown'
    assert.equal(event.metadata.TaskType === 'system-mail', isMail)
  }
})

test('only a fence around the whole message is taken off', () => {
  for (const [message, expected] of [
    ['```\na\n```', 'a'],
    ['```\na\n\n```', 'a\n'],
    ['```\r\na\r\n```\r\n', 'a'],
    ['```\nb ``` c\n```\nd\n```', 'b ``` c\n```\nd'],
    ['```\n```', ''],
    ['```\n\n```', ''],
    ['a\n```\nb\n```', 'a\n```\nb\n```'],
    ['```\nopen', '```\nopen'],
    ['```', '```'],
    ['plain', 'plain'],
  ] as const) {
    assert.equal(parse({ title: 'x', message, priority: 1 }).event.metadata.Message, expected, message)
  }
})

test('a notification of Proxmox Backup Server is recognised as one', () => {
  const { event } = parse({
    title: "Garbage Collect Datastore 'main' successful",
    message: '```\nDatastore: main\n\n<https://pbs1.example.lan:8007/#DataStore-main>\n\n```',
    priority: 1,
  })
  assert.equal(event.provider, 'com.proxmox.backup')
  const { Datastore, NodeName, TaskType } = event.metadata
  assert.deepEqual([Datastore, NodeName, TaskType], ['main', 'pbs1', 'gc'])
})

test('the token’s provider and defaults count as in the native dialect', () => {
  const options = { now: NOW, provider: 'com.proxmox.site1', defaults: { Cluster: 'lab' } }
  const { event } = gotify.parse({ title: 'x', message: 'y', priority: 5 }, options)
  assert.deepEqual([event.provider, event.metadata.Cluster], ['com.proxmox.site1', 'lab'])
})

test('the body of a webhook is refused with the path that it belongs to', () => {
  for (const name of ['pve/replication', 'pve-native/replication']) {
    assert.throws(
      () => parse(fixture(name)),
      (error: TempoError) =>
        error instanceof TempoError && /\/ingest\/proxmox$/.test(String(error.extra.hint).slice(0, -1)),
    )
  }
  assert.throws(() => parse({ message: 'x', priority: 1 }), /title/)
})

test('the answer has the shape of Gotify, with a number for the id', () => {
  const body = fixture('gotify/replication')
  const id = '01a20094-cacb-71ab-8754-600508a23a76'
  assert.deepEqual(gotifyMessage(body, { id, date: NOW }), {
    id: 0x4600508a23a76,
    appid: 1,
    title: body.title,
    message: body.message,
    priority: 1,
    extras: body.extras,
    date: '2026-11-21T22:31:46.000Z',
  })
  const highest = gotifyMessage({}, { id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', date: NOW })
  assert.ok(Number.isSafeInteger(highest.id))
  assert.deepEqual([highest.title, highest.priority, 'extras' in highest], ['', 0, false])
})

test('the other answers have the shapes of Gotify', () => {
  assert.deepEqual(gotifyVersion('0.1.0'), { version: '0.1.0', commit: '', buildDate: '' })
  assert.deepEqual(gotifyHealth({ accepting: true, database: false }), { health: 'green', database: 'red' })
  assert.deepEqual(gotifyError(401, 'Unauthorized', 'no'), {
    error: 'Unauthorized',
    errorCode: 401,
    errorDescription: 'no',
  })
})
