import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FieldError, TempoError } from '../errors.ts'
import { readJsonBody } from './json.ts'
import { claimedProvider, parseTempoPayload } from './tempo.ts'

const NOW = new Date('2026-11-21T22:31:46.000Z')
const FIXTURES = new URL('../../test/fixtures/', import.meta.url)

type Payload = Record<string, unknown>

function parse(payload: Payload, provider: string | null = null) {
  return parseTempoPayload(payload, { now: NOW, provider })
}

/** A valid payload with these fields changed. */
function event(changes: Payload): Payload {
  return { providerIdentifier: 'com.proxmox', title: 'Backup done', ...changes }
}

function errorsOf(payload: Payload, provider: string | null = null): FieldError[] {
  try {
    parse(payload, provider)
  } catch (error) {
    assert.ok(error instanceof TempoError, String(error))
    assert.equal(error.status, 422)
    assert.equal(error.code, 'invalid_input')
    return error.errors
  }
  return assert.fail('was not refused')
}

function loadFixtures(dialect: string): { name: string; bytes: Buffer }[] {
  return readdirSync(new URL(`${dialect}/`, FIXTURES)).map((name) => ({
    name: `${dialect}/${name}`,
    bytes: readFileSync(new URL(`${dialect}/${name}`, FIXTURES)),
  }))
}

const OWN_FIXTURES = [...loadFixtures('pve'), ...loadFixtures('pve-tera')]

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

for (const { name, bytes } of OWN_FIXTURES) {
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

test('the provider of the token is used only when the payload names none', () => {
  assert.equal(parse({ title: 'x' }, 'com.own').event.provider, 'com.own')
  assert.equal(parse(event({}), 'com.own').event.provider, 'com.proxmox')
  assert.equal(errorsOf(event({ providerIdentifier: 7 }), 'com.own')[0]!.path, 'providerIdentifier')
})

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) })
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
const action = (changes: Payload) => ({
  actions: [{ label: 'x', trigger: { openURL: 'https://x' }, ...changes }],
})

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'no title': [{ title: undefined }, 'title', /is missing; add a text/],
  'empty title': [{ title: null }, 'title', /is empty/],
  'blank title': [{ title: ' \u00a0\n' }, 'title', /is empty/],
  'title under another name': [{ title: undefined, Title: 'x' }, 'title', /rename "Title" to it/],
  'title a number': [{ title: 5 }, 'title', /must be a text, not a number/],
  'title an object': [{ title: {} }, 'title', /must be a text, not an object/],
  'no provider': [
    { providerIdentifier: null },
    'providerIdentifier',
    /is missing; add it \("com\.proxmox"\)/,
  ],
  'provider under another name': [
    { providerIdentifier: null, providerID: 'x' },
    'providerIdentifier',
    /rename "providerID" to it/,
  ],
  'provider a number': [{ providerIdentifier: 5 }, 'providerIdentifier', /must be a text/],
  'provider in capitals': [
    { providerIdentifier: 'Com.Proxmox' },
    'providerIdentifier',
    /lower-case letters and digits.*did you mean "com\.proxmox"\?/,
  ],
  'provider with a space': [{ providerIdentifier: 'My Server' }, 'providerIdentifier', /or underscores$/],
  'provider too short': [{ providerIdentifier: 'ab' }, 'providerIdentifier', /3 to 200 characters/],
  'provider too long': [{ providerIdentifier: 'a'.repeat(201) }, 'providerIdentifier', /3 to 200/],
  'startDate without zone': [{ startDate: '2026-11-21T02:00:00' }, 'startDate', /no time zone/],
  'startDate an object': [{ startDate: {} }, 'startDate', /ISO 8601/],
  'endDate no date': [{ endDate: 'later' }, 'endDate', /is not a date/],
  'eventType unknown': [
    { eventType: 'alarm' },
    'eventType',
    /must be one of alert, event, task, reminder, not "alarm"/,
  ],
  'eventType in capitals': [{ eventType: 'Task' }, 'eventType', /did you mean "task"\?/],
  'severity unknown': [
    { severity: 'bad' },
    'severity',
    /must be one of ok, info, warning, error, critical, not "bad"$/,
  ],
  'severity in capitals': [{ severity: 'ERROR' }, 'severity', /did you mean "error"\?/],
  'severity notice': [{ severity: 'notice' }, 'severity', /into metadata\.severity/],
  'severity Unknown': [{ severity: 'Unknown' }, 'severity', /into metadata\.severity/],
  'severity a number': [{ severity: 3 }, 'severity', /not a number/],
  'externalID an object': [{ externalID: {} }, 'externalID', /a text or a number, not an object/],
  'externalID endless': [{ externalID: Number.POSITIVE_INFINITY }, 'externalID', /number that has no end/],
  'externalID true': [{ externalID: true }, 'externalID', /not a boolean/],
  'externalID long': [{ externalID: 'x'.repeat(201) }, 'externalID', /over 200 characters/],
  'color a name': [{ color: 'red' }, 'color', /must be #RRGGBB, not "red"/],
  'color short': [{ color: '#abc' }, 'color', /#RRGGBB/],
  'color a number': [{ color: 0xffffff }, 'color', /not a number/],
  'groupingKey long': [{ groupingKey: '😀'.repeat(501) }, 'groupingKey', /over 500/],
  'groupingKey an array': [{ groupingKey: ['x'] }, 'groupingKey', /not an array/],
  'recurrenceRule a number': [{ recurrenceRule: 5 }, 'recurrenceRule', /must be a text, not a number/],
  'recurrenceRule long': [{ recurrenceRule: 'x'.repeat(1001) }, 'recurrenceRule', /over 1000/],
  'metadata an array': [{ metadata: [] }, 'metadata', /must be an object, not an array/],
  'metadata a text': [{ metadata: 'x' }, 'metadata', /must be an object, not a text$/],
  'metadata encoded twice': [{ metadata: '{"a":1}' }, 'metadata', /leave out the quotes/],
  'metadata a number': [{ metadata: 0 }, 'metadata', /not a number/],
  'metadata false': [{ metadata: false }, 'metadata', /not a boolean/],
  'metadata with 257 keys': [{ metadata: keys(257) }, 'metadata', /257 keys; at most 256/],
  'metadata with 257 keys inside': [{ metadata: { a: [keys(257)] } }, 'metadata.a[0]', /at most 256/],
  'metadata of 17 levels': [{ metadata: deep(17) }, `metadata${'.a'.repeat(16)}`, /more than 16 levels/],
  'metadata with strange keys': [
    { metadata: { 'a b': { '': keys(257) } } },
    'metadata["a b"][""]',
    /at most 256/,
  ],
  'metadata with a deep __proto__': [
    { metadata: JSON.parse(`{"__proto__":${JSON.stringify(keys(257))}}`) },
    'metadata.__proto__',
    /at most 256/,
  ],
  'actions an object': [{ actions: {} }, 'actions', /must be an array, not an object/],
  'nine actions': [{ actions: Array(9).fill(action({}).actions[0]) }, 'actions', /at most 8, not 9/],
  'an action null': [{ actions: [null] }, 'actions[0]', /must be an object .*, not null/],
  'an action without label': [action({ label: '' }), 'actions[0].label', /is missing/],
  'an action with a long label': [action({ label: 'x'.repeat(101) }), 'actions[0].label', /over 100/],
  'an action with a number for a label': [action({ label: 5 }), 'actions[0].label', /must be a text/],
  'an action with a number for an icon': [
    action({ systemIcon: 5 }),
    'actions[0].systemIcon',
    /must be a text/,
  ],
  'an action without trigger': [action({ trigger: null }), 'actions[0].trigger', /is missing; it must be/],
  'an action with an empty trigger': [
    action({ trigger: {} }),
    'actions[0].trigger',
    /exactly one of openURL, copy/,
  ],
  'an action with a text for a trigger': [action({ trigger: 'x' }), 'actions[0].trigger', /not a text/],
  'an action with two triggers': [
    action({ trigger: { openURL: 'x', copyToClipboard: 'y' } }),
    'actions[0].trigger',
    /exactly one of .*, not "openURL", "copyToClipboard"/,
  ],
  'an action with an unknown trigger': [action({ trigger: { run: 'x' } }), 'actions[0].trigger', /not "run"/],
  'an action with a blank trigger': [
    action({ trigger: { openURL: ' ' } }),
    'actions[0].trigger',
    /none is given/,
  ],
  'a terminal action': [
    action({ trigger: { openTerminalWith: 'rm -rf /' } }),
    'actions[0].trigger',
    /accepted from score files only/,
  ],
  'a terminal action beside another': [
    action({ trigger: { openURL: 'x', openTerminalWith: 'y' } }),
    'actions[0].trigger',
    /score files only/,
  ],
  'an action with a number for a value': [
    action({ trigger: { openURL: 5 } }),
    'actions[0].trigger.openURL',
    /must be a text, not a number/,
  ],
  'an action with a long value': [
    action({ trigger: { openURL: 'x'.repeat(2001) } }),
    'actions[0].trigger.openURL',
    /over 2000/,
  ],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => {
    const errors = errorsOf(event(changes))
    assert.deepEqual(
      errors.map((error) => error.path),
      [path],
    )
    assert.match(errors[0]!.message, message)
  })
}

const ACCEPTED: Record<string, Payload> = {
  'an externalID of 200 characters': { externalID: '😀'.repeat(200) },
  'an externalID of zero': { externalID: 0 },
  'metadata with 256 keys': { metadata: { ...keys(255), more: keys(256) } },
  'metadata of 16 levels': { metadata: deep(16) },
  'a long array in metadata': { metadata: { list: Array(10_000).fill(0) } },
  'eight actions': { actions: Array(8).fill(action({}).actions[0]) },
  'the longest action': action({ label: 'x'.repeat(100), trigger: { copyToClipboard: 'x'.repeat(2000) } }),
  'a log that quotes a template': { metadata: { Message: '{{guestname}}', x: { message: '{{vmid}}' } } },
  'a template far inside of a text': { metadata: { Log: `${'x'.repeat(2048)}{{title}}` } },
  'a start one day ahead': { startDate: NOW.getTime() / 1000 + 86_400 },
  'an end at the start': { startDate: 1795223053, endDate: '1795223053' },
}

for (const [name, changes] of Object.entries(ACCEPTED)) {
  test(`accepted without a warning: ${name}`, () => {
    assert.deepEqual(parse(event(changes)).warnings, [])
  })
}

const WARNED: Record<string, [Payload, RegExp]> = {
  'a start over a day ahead': [{ startDate: '2026-11-22T22:31:47Z' }, /more than a day ahead; is the clock/],
  'a start before 2000': [{ startDate: 1795223 }, /1970-01-21T.* is before the year 2000/],
  'an end before the start': [{ startDate: 1795223053, endDate: 1795223052 }, /endDate is before startDate/],
  'an end before now': [{ endDate: 1795223052 }, /endDate is before startDate/],
  'an externalID that JSON rounds': [{ externalID: 2 ** 60 }, /send it as a text/],
  'an unrendered title': [{ title: 'On {{ fields.hostname }}' }, /^title holds \{\{ … \}\}/],
  'unrendered metadata': [{ metadata: { a: [{ b: '{{x}}' }] } }, /^metadata\.a\[0\]\.b holds/],
  'the example address': [
    { metadata: { ServerUrl: 'https://your-proxmox.lan:8006' } },
    /ServerUrl is still the example/,
  ],
  'a key of an action': [action({ _disabled: true }), /^actions\[0\]: "_disabled" is not a key of an action/],
  'an unknown key': [{ zebra: 1 }, /^"zebra" is not a key of an event and was kept, but not used$/],
  provideridentifier: [{ provideridentifier: 'x' }, /did you mean providerIdentifier\?$/],
  provider_identifer: [{ provider_identifer: 'x' }, /did you mean providerIdentifier\?$/],
  start_date: [{ start_date: 1 }, /did you mean startDate\?$/],
  meta: [{ meta: {} }, /did you mean metadata\?$/],
  metdata: [{ metdata: {} }, /did you mean metadata\?$/],
  externalId: [{ externalId: 1 }, /did you mean externalID\?$/],
  colour: [{ colour: '#ffffff' }, /did you mean color\?$/],
  type: [{ type: 'alert' }, /did you mean eventType\?$/],
  timestamp: [{ timestamp: 1 }, /did you mean startDate\?$/],
  message: [{ message: 'x' }, /did you mean metadata\.Message\?$/],
  __proto__: [JSON.parse('{"__proto__":{"title":"y"}}'), /^"__proto__" is not a key/],
}

for (const [name, [changes, warning]] of Object.entries(WARNED)) {
  test(`accepted with a warning: ${name}`, () => {
    const payload = Object.fromEntries([...Object.entries(event({})), ...Object.entries(changes)])
    const { warnings } = parse(payload)
    assert.equal(warnings.length, 1, warnings.join('\n'))
    assert.match(warnings[0]!, warning)
  })
}

test('a long title is cut to 1,000 characters, never inside of one', () => {
  const { event: parsed, warnings } = parse(event({ title: `x${'😀'.repeat(1000)}` }))
  assert.equal(parsed.title, `x${'😀'.repeat(999)}`)
  assert.deepEqual(warnings, ['title is over 1000 characters and was cut'])
  assert.equal(parse(event({ title: '😀'.repeat(1000) })).warnings.length, 0)
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

test('at most 20 warnings are listed, then how many more there are', () => {
  const { warnings } = parse({ ...keys(100), ...event({}) })
  assert.equal(warnings.length, 21)
  assert.equal(warnings.at(-1), 'and 80 more')
})

test('metadata keeps __proto__ as an ordinary key and is not touched', () => {
  const { value } = readJsonBody(
    Buffer.from('{"title":"x","providerIdentifier":"com.x","metadata":{"__proto__":{"a":1},"b":""}}'),
  )
  const before = JSON.stringify(value)
  const { event: parsed } = parse(value)
  assert.deepEqual(Object.keys(parsed.metadata), ['__proto__', 'b'])
  assert.equal(JSON.stringify(value), before)
})

test('values that look inherited are not read from the prototype', () => {
  assert.deepEqual(
    errorsOf(JSON.parse('{"__proto__":{"title":"x"},"providerIdentifier":"com.x"}')).map(
      (error) => error.path,
    ),
    ['title'],
  )
})

type Edit =
  | { kind: 'flip' | 'insert' | 'delete'; at: number; byte: number; length: number }
  | { kind: 'rename' | 'retype'; at: number; key: string; value: unknown }

const edits = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('flip', 'insert', 'delete'),
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(...Buffer.from('"\\{}[]:,\n\0')), fc.nat(255)),
      length: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({
      kind: fc.constantFrom('rename', 'retype'),
      at: fc.nat(),
      key: fc.oneof(
        fc.string(),
        fc.constantFrom('__proto__', 'toString', 'title', 'actions', 'startDate', 'metadata'),
      ),
      value: fc.oneof(
        fc.jsonValue(),
        fc.double(),
        fc.constantFrom([{}], [{ label: 'x', trigger: { openURL: 'y' } }], '', '2026-11-21T02:14:07Z', 9e15),
      ),
    }),
  ),
  { minLength: 1, maxLength: 4 },
)

/** Renames a key, or gives it another value, at the top level or in metadata. */
function editValue(bytes: Uint8Array, edit: Extract<Edit, { key: string }>): Uint8Array {
  let value: Payload
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return bytes
  }
  const inner = value?.metadata
  const inMetadata = edit.at % 2 === 0 && typeof inner === 'object' && inner !== null
  const entries = Object.entries(inMetadata ? inner : (value ?? {}))
  const entry = entries[edit.at % Math.max(1, entries.length)]
  if (!entry) return bytes
  entry[edit.kind === 'rename' ? 0 : 1] = edit.kind === 'rename' ? edit.key : edit.value
  const edited = Object.fromEntries(entries)
  return Buffer.from(JSON.stringify(inMetadata ? { ...value, metadata: edited } : edited))
}

function editBytes(bytes: Uint8Array, edit: Exclude<Edit, { key: string }>): Uint8Array {
  const at = edit.at % (bytes.length + 1)
  const middle = edit.kind === 'delete' ? [] : [edit.byte]
  const skipped = edit.kind === 'delete' ? edit.length : edit.kind === 'flip' ? 1 : 0
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(middle), bytes.subarray(at + skipped)])
}

test('a damaged body gives an event or a 422, never another error', () => {
  const bodies = [...OWN_FIXTURES, ...loadFixtures('pve-native'), ...loadFixtures('gotify')]
  const outcomes = new Map<string, number>()
  fc.assert(
    fc.property(fc.nat(bodies.length - 1), edits, (index, changes) => {
      let bytes: Uint8Array = bodies[index]!.bytes
      for (const change of changes as Edit[]) {
        bytes = 'key' in change ? editValue(bytes, change) : editBytes(bytes, change)
      }
      let outcome = 'event'
      try {
        const { event: parsed } = parse(readJsonBody(bytes).value)
        assert.ok(parsed.title.length > 0 && !Number.isNaN(parsed.startDate.getTime()))
        assert.doesNotMatch(JSON.stringify(parsed), /\\u0000|\\ud[89a-f]/)
      } catch (error) {
        if (!(error instanceof TempoError)) throw error
        assert.equal(error.status, 422)
        assert.ok(error.errors.length > 0)
        outcome = error.code
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }),
    { numRuns: 2000 },
  )
  for (const outcome of ['event', 'invalid_json', 'invalid_input']) {
    assert.ok((outcomes.get(outcome) ?? 0) > 50, `${outcome} came up too rarely`)
  }
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
