import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChannelInput } from '../wire-channels.ts'
import { parseChannelFile } from './channel-file.ts'
import { resolveReferences } from './references.ts'

const VARIABLES: Record<string, string> = {
  SLACK_URL: 'https://hooks.slack.com/services/T0/B0/geheim',
  PORT: '2525',
  CHECK: 'false',
  LETTERS: '25a',
  EMPTY: '',
  NESTED: '${PORT}',
}
const FILES: Record<string, string> = { '/run/secrets/smtp': 'p4ssw0rd\n', '/run/secrets/none': '\n' }
const SOURCES = {
  variable: (name: string) => VARIABLES[name] ?? null,
  file: (path: string) => FILES[path] ?? null,
}

function channels(source: string): ChannelInput[] {
  const read = parseChannelFile(source, SOURCES)
  assert.ok('channels' in read, JSON.stringify(read))
  return read.channels
}

/** Each problem as `line:column path: message`. */
function problems(source: string): string[] {
  const read = parseChannelFile(source, SOURCES)
  assert.ok('problems' in read, 'it was taken')
  return read.problems.map(({ path, line, column, message }) => `${line}:${column} ${path}: ${message}`)
}

test('a channel of a file has the fields of the API, and its defaults', () => {
  const [slack, mail] = channels(`
channels:
  - name: ops
    type: slack
    url: \${SLACK_URL}
    events: [backup_failed, node_offline]
    quietHours: { from: 22:00, to: 06:00, timezone: Europe/Berlin }
  - name: mail
    type: email
    host: mail.lan
    port: \${PORT}
    verifyCertificate: \${CHECK}
    secret: \${file:/run/secrets/smtp}
    from: Tempo <tempo@example.org>
    recipients: [admin@example.org]
`)
  assert.ok(slack?.type === 'slack')
  assert.equal(slack.url, VARIABLES.SLACK_URL)
  assert.deepEqual(slack!.events, ['backup_failed', 'node_offline'])
  assert.equal(slack!.quietHours?.from, '22:00')
  assert.equal(slack!.quietHours?.days.length, 7)
  assert.equal(slack!.minSeverity, 'warning')
  assert.ok(mail?.type === 'email')
  assert.deepEqual([mail.port, mail.verifyCertificate, mail.secret], [2525, false, 'p4ssw0rd'])
  assert.equal(mail.security, 'starttls')
})

test('a file of no channel at all is one, and an empty file is not', () => {
  assert.deepEqual(channels('channels: []'), [])
  for (const empty of ['', '# nothing\n', 'null'])
    assert.match(problems(empty)[0]!, /must hold the list channels/)
  assert.match(problems('channels:\n')[0]!, /^1:1 channels: must be a list/)
  assert.match(problems('- name: a\n')[0]!, /must hold the list channels/)
})

test('all faults are told at once, each at its line and column', () => {
  assert.deepEqual(
    problems(`channels:
  - name: ops
    type: slack
    url: \${MISSING}
    minSeverty: error
  - name: ops
    type: slak
  - name: night
    type: ntfy
    topic: alerts
    quietHours: { from: 22:00, to: 6:00, timezone: Mars }
    events: [backup_faild]
silences: []
`),
    [
      '4:5 channels.0.url: the variable MISSING is not set, or is empty',
      '5:5 channels.0.minSeverty: is not a field of a channel of type slack; did you mean minSeverity?',
      '6:5 channels.1.name: is the name of channels.0, too: ops; each needs its own',
      '7:5 channels.1.type: must be one of email, webhook, slack, teams, discord, pagerduty, ntfy, gotify; did you mean slack?',
      '11:32 channels.2.quietHours.to: must be a time of day such as 22:00',
      '11:42 channels.2.quietHours.timezone: is not a time zone such as Europe/Berlin',
      '12:14 channels.2.events.0: must be one of alert_triggered, alert_resolved, backup_failed, task_failed, node_offline, connection_lost, compliance_issue, cve_detected; did you mean backup_failed?',
      '13:1 silences: is not a field of this file; it holds channels only',
    ],
  )
})

test('a missing field is told at its channel, a wrong kind at its value', () => {
  assert.deepEqual(
    problems('channels:\n  - {name: 7, type: gotify, url: "http://g.lan"}\n  - just a text\n'),
    [
      '2:5 channels.0.secret: is missing: give a text',
      '2:6 channels.0.name: must be a text',
      '3:5 channels.1: must be an object',
    ],
  )
})

test('what is not YAML is told once, with its place, and without the text, which may hold a secret', () => {
  const cases: [string, RegExp][] = [
    ['channels:\n\t- name: a\n', /^2:1 : tabs cannot indent/],
    ['channels:\n  - name: a\n    name: b\n', /^3:5 : this field is there twice/],
    ['channels: []\n---\nchannels: []\n', /^2:1 : there is more than one document/],
    ['channels:\n  - name: "geheim\n', /: is not YAML/],
    ['channels:\n  - name: "a" geheim\n', /^2:15 : is not YAML/],
    ['channels: [{secret: geheim: geheim}]\n', /is not YAML/],
    ['channels:\n  - {name: a, url: ${SLACK_URL}}\n', /^2:\d+ : is not YAML.*needs quotes: "\$\{NAME\}"$/],
    ['channels: [*unknown]\n', /^1:12 : there is no anchor &unknown/],
  ]
  for (const [source, expected] of cases) {
    const [first, ...more] = problems(source)
    assert.match(first!, expected, source)
    assert.deepEqual(more, [], source)
    assert.doesNotMatch(first!, /geheim/)
  }
})

test('anchors and aliases are followed, faults in them are told where they are written', () => {
  const shared = (events: string) => `channels:
  - name: a
    type: ntfy
    topic: t
    match: &which
      - { TaskType: ${events} }
  - name: b
    type: ntfy
    topic: t
    match: *which
`
  assert.deepEqual(channels(shared('vzdump'))[1]!.match, [{ TaskType: 'vzdump' }])
  assert.deepEqual(problems(shared('[vzdump]')), [
    '6:11 channels.0.match.0.TaskType: must be a text, a number, true, false or null',
    '6:11 channels.1.match.0.TaskType: must be a text, a number, true, false or null',
  ])
})

test('aliases that would grow beyond measure are refused', () => {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const inner = level === 0 ? 'x' : `*l${level - 1}`
    return `    - &l${level} [${Array(10).fill(inner).join(', ')}]\n`
  })
  assert.deepEqual(problems(`channels:\n  - match:\n${levels.join('')}`), ['1:1 : has too many aliases'])
})

test('references stand for variables, defaults and files; two dollars stand for one', () => {
  const resolve = (text: string) => resolveReferences(text, SOURCES)
  const cases: [string, string][] = [
    ['${PORT}', '2525'],
    ['a${PORT}b${PORT}', 'a2525b2525'],
    ['${MISSING:-a b}', 'a b'],
    ['${EMPTY:-x}', 'x'],
    ['${PORT:-x}', '2525'],
    ['${file:/run/secrets/smtp}', 'p4ssw0rd'],
    ['$${PORT}', '${PORT}'],
    ['$PORT costs $5', '$PORT costs $5'],
    // What a variable holds is not looked into.
    ['${NESTED}', '${PORT}'],
  ]
  for (const [text, expected] of cases)
    assert.deepEqual(resolve(text), { text: expected, problems: [] }, text)
  for (const [text, expected] of [
    ['${MISSING}', /variable MISSING is not set/],
    ['${EMPTY}', /variable EMPTY is not set, or is empty/],
    ['${file:/nowhere}', /file \/nowhere cannot be read/],
    ['${file:/run/secrets/none}', /or is empty/],
    ['${a b}', /write \$\$\{/],
    ['${', /write \$\$\{/],
    ['${PORT', /write \$\$\{/],
  ] as const) {
    const { problems } = resolve(text)
    assert.equal(problems.length, 1, text)
    assert.match(problems[0]!, expected)
  }
})

test('any text comes through when its dollars before braces are doubled', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', ':', '-', '\n') }), (text) => {
      // A text that has $${ already cannot be told from one that was doubled.
      fc.pre(!text.includes('$${'))
      const { text: resolved, problems } = resolveReferences(
        text.replaceAll('${', () => '$${'),
        SOURCES,
      )
      assert.deepEqual(problems, [])
      assert.equal(resolved, text)
    }),
  )
})

test('a variable is a number or a truth only where one is wanted', () => {
  const one = (fields: string) =>
    `channels:\n  - {name: a, type: email, host: h, from: a@b.c, recipients: [a@b.c], ${fields}}\n`
  assert.deepEqual(problems(one('port: "${LETTERS}"')), ['2:71 channels.0.port: must be a number'])
  assert.deepEqual(problems(one('port: "25"')), ['2:71 channels.0.port: must be a number'])
  const [read] = channels(one('secret: "${PORT}"'))
  assert.ok(read?.type === 'email')
  assert.equal(read.secret, '2525')
})

test('no problem repeats what a variable or a file holds', () => {
  const source = `channels:
  - {name: a, type: slack, url: "\${SECRET}", enabled: "\${SECRET}", events: "\${SECRET}", minSeverity: "\${SECRET}", nodes: ["\${SECRET}", 3]}
  - {name: b, type: "\${SECRET}"}
`
  const read = parseChannelFile(source, { ...SOURCES, variable: () => 'ftp://geheim' })
  assert.ok('problems' in read && read.problems.length >= 5)
  assert.doesNotMatch(JSON.stringify(read), /geheim/)
})
