import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadFixtures } from '../../test/helpers/fixtures.ts'
import {
  type Body,
  dialect,
  fixture,
  NOW,
  notification,
  parse,
  refusalOf,
} from '../../test/helpers/proxmox.ts'
import { TempoError } from '../errors.ts'
import { createGotifyDialect } from './gotify.ts'
import { enrichProxmox } from './proxmox.ts'
import { parseTempoPayload } from './tempo.ts'

for (const { name } of loadFixtures('pve-native')) {
  const file = name.replace(/^pve-native\/|\.json$/g, '')

  test(`${file} is the same event as in our own dialect`, () => {
    const own = parseTempoPayload(fixture(`pve/${file}`), { now: NOW, provider: null })
    const ServerUrl = 'https://your-proxmox.lan:8006'
    const native = parse(fixture(`pve-native/${file}`), { defaults: { ServerUrl } })
    assert.deepEqual(native.event, own.event)
    assert.deepEqual(native.warnings, [])
    const { ServerUrl: _typed, ...rest } = own.event.metadata
    assert.deepEqual(parse(fixture(`pve-native/${file}`)).event, { ...own.event, metadata: rest })
  })
}

test('fields of Proxmox Backup Server become metadata, and unknown ones keep their name', () => {
  const fields = {
    datastore: 'main',
    'media-pool': 'weekly',
    'job-id': 'j',
    hostname: 'pbs1',
    type: 'gc',
    remote: 'off',
  }
  const { event } = parse(notification({ fields }))
  assert.deepEqual(event.metadata, {
    Datastore: 'main',
    MediaPool: 'weekly',
    JobId: 'j',
    NodeName: 'pbs1',
    TaskType: 'gc',
    remote: 'off',
    severity: 'info',
    Message: 'A message',
    VMID: null,
  })
})

test('fields may be null, empty or missing, and anything else is a warning', () => {
  const expected = parse(notification()).event
  for (const fields of [null, {}, '']) assert.deepEqual(parse(notification({ fields })).event, expected)
  const { fields: _none, ...without } = notification()
  assert.deepEqual(parse(without), { event: expected, warnings: [] })
  for (const fields of [[], 'x', 3]) {
    const { event, warnings } = parse(notification({ fields }))
    assert.deepEqual([event, warnings.length], [expected, 1])
    assert.match(warnings[0]!, /^fields must be an object/)
  }
})

test('a field cannot take the place of severity or message, and a field __proto__ stays one', () => {
  const fields = JSON.parse('{"severity":"error","Message":"x","__proto__":{"a":1}}')
  const { event } = parse(notification({ fields }))
  assert.deepEqual([event.metadata.severity, event.metadata.Message], ['info', 'A message'])
  assert.ok(Object.hasOwn(event.metadata, '__proto__'))
})

test('the token decides the product, and without one that is bound the content does', () => {
  const gc = notification({ fields: { type: 'gc', datastore: 'main' } })
  for (const provider of ['com.proxmox', 'com.proxmox.backup', 'com.proxmox.site1', 'com.proxmox.backup.x']) {
    assert.equal(parse(gc, { provider }).event.provider, provider)
  }
  const update = { title: 'New software packages available (a)', fields: { type: 'package-updates' } }
  for (const [body, provider] of [
    [{}, 'com.proxmox'],
    [{ fields: { type: 'vzdump' } }, 'com.proxmox'],
    [{ fields: { type: 'system-mail' } }, 'com.proxmox'],
    [update, 'com.proxmox'],
    [
      { ...update, message: '\nProxmox Backup Server has the following updates available:\n' },
      'com.proxmox.backup',
    ],
    [{ title: "Verify Datastore 'main' failed" }, 'com.proxmox.backup'],
    [{ title: "Verify Datastore 'main' failed", fields: { type: 'system-mail' } }, 'com.proxmox'],
    [{ fields: { datastore: 'main' } }, 'com.proxmox.backup'],
    [{ fields: { 'media-pool': 'main' } }, 'com.proxmox.backup'],
    ...[
      'acme',
      'gc',
      'prune',
      'sync',
      'tape-backup',
      'tape-load',
      'thresholds',
      'verification',
      'verify',
    ].map((type) => [{ fields: { type } }, 'com.proxmox.backup']),
  ] as [Body, string][]) {
    assert.equal(parse(notification(body)).event.provider, provider, JSON.stringify(body))
    // A token of something else does not turn a notification into an event of that.
    assert.equal(parse(notification(body), { provider: 'com.example' }).event.provider, provider)
  }
})

test('defaults of the token stand in where the event has nothing', () => {
  const defaults = {
    ServerUrl: 'https://pve:8006',
    Cluster: 'lab',
    NodeName: 'default',
    severity: 'error',
    Empty: '',
  }
  const { metadata } = parse(notification({ fields: { hostname: '' } }), { defaults }).event
  assert.deepEqual(metadata, {
    ServerUrl: 'https://pve:8006',
    Cluster: 'lab',
    NodeName: 'default',
    severity: 'info',
    Message: 'A message',
    VMID: null,
    TaskType: null,
    JobId: null,
  })
})

test('a payload of our own dialect is read as one', () => {
  for (const name of ['pve/vzdump-failed', 'pve-tera/fencing']) {
    const payload = fixture(name)
    assert.deepEqual(parse(payload), parseTempoPayload(payload, { now: NOW, provider: null }))
  }
  const { providerIdentifier, ...unnamed } = fixture('pve/fencing')
  assert.equal(dialect.claimedProvider({ providerIdentifier }), 'com.proxmox')
  assert.equal(dialect.claimedProvider(fixture('pve-native/fencing')), null)
  assert.deepEqual(parse(unnamed).event, parse(fixture('pve/fencing')).event)
  assert.equal(parse(unnamed, { provider: 'com.proxmox.backup' }).event.provider, 'com.proxmox.backup')
  const completed = parse(
    { ...unnamed, metadata: { NodeName: null } },
    { defaults: { Cluster: 'lab', NodeName: 'n' } },
  )
  assert.deepEqual(completed.event.metadata, { NodeName: 'n', Cluster: 'lab' })
  const short = { providerIdentifier: 'com.proxmox', title: 'x', severity: 'error' }
  assert.equal(parse(short).event.severity, 'error')
  assert.equal(refusalOf({ ...unnamed, startDate: 'x' }).errors[0]!.path, 'startDate')
})

test('errors name the keys of the sender, and the body that works', () => {
  const { errors, hint } = refusalOf({ title: 3, timestamp: 'soon' })
  assert.deepEqual(
    errors.map(({ path }) => path),
    ['title', 'timestamp'],
  )
  assert.match(String(hint), /\{\{json fields\}\}/)
  const keys = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, n]))
  assert.equal(refusalOf(notification({ fields: keys })).errors[0]!.path, 'fields')
  assert.equal(refusalOf(notification({ fields: { hostname: keys } })).errors[0]!.path, 'fields.hostname')
  assert.equal(refusalOf(notification({ message: keys })).errors[0]!.path, 'message')
  for (const body of [{}, { message: 'x' }, notification({ title: null }), notification({ title: ' ' })]) {
    assert.match(refusalOf(body).errors[0]!.message, /^is (?:missing|empty)/)
  }
})

test('a template that was not filled in is refused with what to write', () => {
  const { errors } = refusalOf({
    title: '{{ title }}',
    severity: '{{severity}}',
    timestamp: ' {{ timestamp }} ',
  })
  assert.deepEqual(
    errors.map(({ path, message }) => [path, /write (\S.*\}\}) with no quotes/.exec(message)?.[1]]),
    [
      ['title', '{{json title}}'],
      ['severity', '{{json severity}}'],
      ['timestamp', '{{timestamp}}'],
    ],
  )
  // A log, or a subject about templates, is none.
  const kept = parse(
    notification({ message: '--notes-template {{guestname}}', title: 'Use {{ title }} here' }),
  )
  assert.deepEqual(kept.warnings.length, 1)
  assert.match(kept.warnings[0]!, /^title holds/)
})

test('a mail without a subject is kept under its first line', () => {
  for (const body of [{ severity: 'unknown' }, { fields: { type: 'system-mail' } }]) {
    const { event, warnings } = parse(
      notification({ ...body, title: '', message: '\n\n disk is dying \nmore' }),
    )
    assert.deepEqual([event.title, warnings.length], ['disk is dying', 1])
    assert.equal(
      parse(notification({ ...body, title: '', message: '' })).event.title,
      'Mail without a subject',
    )
  }
})

test('warnings name the keys of the sender', () => {
  const { warnings } = parse(notification({ timestamp: 1, fields: { x: '{{y}}' }, priority: 5, extra: 1 }))
  assert.equal(warnings.length, 4)
  assert.match(warnings[0]!, /"priority" .* Gotify/)
  assert.match(warnings[1]!, /^"extra" is not a key/)
  assert.match(warnings[2]!, /^timestamp .* before the year 2000/)
  assert.match(warnings[3]!, /^fields\.x holds/)
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`k${n}`, n]))
  assert.equal(parse(notification(many)).warnings.at(-1), 'and 80 more')
})

test('the time is that of the notification, or now', () => {
  assert.equal(parse(notification()).event.startDate.getTime(), 1795222905_000)
  for (const timestamp of [null, '', undefined])
    assert.deepEqual(parse(notification({ timestamp })).event.startDate, NOW)
})

test('any body is an event of Proxmox or a 422, in both dialects', () => {
  const gotify = createGotifyDialect(dialect)
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('', null, 'unknown', '{{ title }}', 3, '```\nx\n```'),
  )
  const body = (keys: string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] })
  const native = body(['title', 'message', 'severity', 'timestamp', 'fields', 'priority', 'metadata'])
  const bodies = fc.oneof(native, body(['title', 'message', 'priority', 'extras']))
  let events = 0
  fc.assert(
    fc.property(bodies, fc.constantFrom(dialect, gotify), (given, { parse: read }) => {
      try {
        const { event } = read(given, { now: NOW, provider: null })
        assert.match(event.provider, /^com\.proxmox(?:\.backup)?$/)
        assert.ok(event.title.length > 0)
        enrichProxmox(event)
        events++
      } catch (error) {
        if (!(error instanceof TempoError)) throw error
        assert.ok(error.status === 422 && error.errors.length > 0)
      }
    }),
    { numRuns: 2000 },
  )
  assert.ok(events > 100)
})
