import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFixtures } from '../../test/helpers/fixtures.ts'
import { TempoError } from '../errors.ts'
import { readJsonBody } from './json.ts'
import { action, errorsOf, event, keys, NOW, parse } from './tempo/testing.ts'
import { claimedProvider } from './tempo.ts'

test('the smallest payload gets the defaults', () => {
  assert.deepEqual(parse({ title: 'x', providerIdentifier: 'com.proxmox' }), {
    event: {
      provider: 'com.proxmox',
      title: 'x',
      startDate: NOW,
      endDate: null,
      eventType: 'alert',
      externalID: null,
      severity: null,
      color: null,
      groupingKey: null,
      recurrenceRule: null,
      actions: [],
      metadata: {},
    },
    warnings: [],
  })
})

test('the fullest payload is taken as it is', () => {
  const metadata = { VMID: 100, guests: [{ name: 'web01' }] }
  const { event: parsed, warnings } = parse({
    title: ' Nightly backup \n',
    providerIdentifier: ' com.proxmox ',
    startDate: '2026-11-21T02:00:00+01:00',
    endDate: 1795224000,
    eventType: 'task',
    externalID: 4711,
    severity: 'warning',
    color: '#e57000',
    groupingKey: 12,
    recurrenceRule: 'FREQ=DAILY',
    actions: [
      { label: ' Open ', systemIcon: 'globe', trigger: { openURL: 'https://pve1.lan:8006/ ' } },
      { label: 'Copy', trigger: { copyToClipboard: '100', openURL: null } },
    ],
    metadata,
  })
  assert.deepEqual(parsed, {
    provider: 'com.proxmox',
    title: 'Nightly backup',
    startDate: new Date('2026-11-21T01:00:00Z'),
    endDate: new Date(1795224000_000),
    eventType: 'task',
    externalID: '4711',
    severity: 'warning',
    color: '#e57000',
    groupingKey: '12',
    recurrenceRule: 'FREQ=DAILY',
    actions: [
      { label: 'Open', systemIcon: 'globe', trigger: { openURL: 'https://pve1.lan:8006/ ' } },
      { label: 'Copy', trigger: { copyToClipboard: '100' } },
    ],
    metadata,
  })
  assert.equal(parsed.metadata, metadata, 'the very same object')
  assert.deepEqual(warnings, [])
})

for (const nothing of [null, '', '  \n']) {
  test(`${JSON.stringify(nothing)} means not there for every optional key`, () => {
    const keys =
      'startDate endDate eventType externalID severity color groupingKey recurrenceRule actions metadata'
    const payload = event(Object.fromEntries(keys.split(' ').map((key) => [key, nothing])))
    assert.deepEqual(parse(payload), parse(event({})))
    assert.equal(parse({ title: 'x', providerIdentifier: nothing }, 'com.own').event.provider, 'com.own')
  })
}

for (const { name, bytes } of [...loadFixtures('pve'), ...loadFixtures('pve-tera')]) {
  test(`${name} is an event with the values that were sent`, () => {
    const { value } = readJsonBody(bytes)
    const { event: parsed, warnings } = parse(value)
    const start = value.startDate
    assert.equal(parsed.provider, 'com.proxmox')
    assert.equal(parsed.title, String(value.title).trim())
    assert.deepEqual(parsed.startDate, new Date(typeof start === 'number' ? start * 1000 : String(start)))
    assert.equal(parsed.eventType, 'alert')
    assert.equal(parsed.severity, null, 'metadata.severity is for the score')
    assert.equal(parsed.metadata, value.metadata)
    assert.deepEqual(warnings.length, 1)
    assert.match(warnings[0]!, /ServerUrl is still the example your-proxmox\.lan/)
  })
}

test('the claimed provider is the trimmed text, or null', () => {
  assert.equal(claimedProvider({ providerIdentifier: ' com.proxmox ' }), 'com.proxmox')
  assert.equal(claimedProvider({ providerIdentifier: 'Not Valid' }), 'Not Valid')
  for (const nothing of [undefined, null, '', ' ', 3, {}, []]) {
    assert.equal(claimedProvider({ providerIdentifier: nothing }), null)
  }
})

test('all problems are listed at once, each with its path', () => {
  const errors = errorsOf({
    title: '',
    providerIdentifier: 'A',
    startDate: 'now',
    endDate: {},
    eventType: 'x',
    externalID: [],
    severity: 'notice',
    color: 'blue',
    groupingKey: {},
    recurrenceRule: 1,
    actions: [{}, null, { label: 'x', trigger: { openTerminalWith: 'ls' } }],
    metadata: [],
  })
  assert.deepEqual(
    errors.map((error) => error.path),
    [
      'providerIdentifier',
      'title',
      'startDate',
      'endDate',
      'eventType',
      'externalID',
      'severity',
      'color',
      'groupingKey',
      'recurrenceRule',
      'actions[0].label',
      'actions[0].trigger',
      'actions[1]',
      'actions[2].trigger',
      'metadata',
    ],
  )
})

test('values that look inherited are not read from the prototype', () => {
  assert.deepEqual(
    errorsOf(JSON.parse('{"__proto__":{"title":"x"},"providerIdentifier":"com.x"}')).map(
      (error) => error.path,
    ),
    ['title'],
  )
})

test('hostile payloads of megabytes are judged quickly', () => {
  const bombs = [
    event({ metadata: { a: Array(1_000_000).fill([]) } }),
    event({ metadata: { a: Array(500_000).fill('{{') } }),
    { ...keys(300_000), ...event({}) },
    event({ metadata: { a: Array(3000).fill(keys(257)) } }),
    event({ title: '😀'.repeat(1_000_000) }),
    event({ actions: Array(100_000).fill({ a: 1 }) }),
    event(action({ ...keys(100_000) })),
    event(action({ trigger: keys(100_000) })),
    event({ providerIdentifier: 'a-'.repeat(2_000_000) }),
    event({ ['x'.repeat(4_000_000)]: 1 }),
  ]
  for (const bomb of bombs) {
    const started = performance.now()
    try {
      const { warnings } = parse(bomb)
      assert.ok(JSON.stringify(warnings).length < 8000)
    } catch (error) {
      assert.ok(error instanceof TempoError)
      assert.ok(JSON.stringify(error.errors).length < 8000)
    }
    assert.ok(performance.now() - started < 3000)
  }
})
