import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseShellTemplate, quoteForShell, shellWriter } from './shell.ts'
import { parseTemplate, renderStrict } from './template.ts'
import { read } from './testing.ts'

/** What a POSIX shell makes of a command. */
function run(command: string): string {
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 5000 })
  assert.equal(stderr, '')
  return stdout
}

function render(source: string, value: string): string | null {
  const template = parseShellTemplate(parseTemplate(source))
  const rendered = renderStrict(template.template, read({ v: value }).values, shellWriter(template))
  return 'text' in rendered ? rendered.text : null
}

const HOSTILE = [
  "'; id; '",
  '$(id)',
  '`id`',
  '"; id; "',
  '\\',
  "'\\''",
  '!!',
  '* ?',
  '~',
  '-n',
  'a\nb',
  "it's",
  '#',
  '&& id',
]

/** Texts that a command line can carry: no NUL, no lone surrogates. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...HOSTILE),
    fc.array(fc.constantFrom(...HOSTILE)).map((parts) => parts.join('')),
  )
  .map((value) => value.replaceAll('\0', ''))

test('a quoted text is one word with exactly these characters', () => {
  const words = fc.array(text, { minLength: 20, maxLength: 60 })
  fc.assert(
    fc.property(words, (words) => {
      assert.equal(
        run(`printf '<%s>' ${words.map(quoteForShell).join(' ')}`),
        words.map((word) => `<${word}>`).join(''),
      )
    }),
    { numRuns: 25 },
  )
})

test('values stay data wherever their placeholder stands, or are not written', () => {
  const places = [
    "printf '<%s>' ${metadata.v}",
    "printf '<%s>' '${metadata.v}'",
    `printf '<%s>' "\${metadata.v}"`,
    "printf '<%s>' a${metadata.v}b",
    "printf '<%s>' 'a ${metadata.v} b'",
    `printf '<%s>' "a \${metadata.v} b"`,
    `printf '<%s>' "a '\${metadata.v}' b"`,
    `printf '<%s>' "$(printf %s "\${metadata.v}")"`,
    "printf '<%s>' \\${metadata.v}",
    "printf '<%s>' 'it'\\''s ${metadata.v}'",
    "# it's a comment\nprintf '<%s>' '${metadata.v}'",
    "cat <<'E'\n'${metadata.v}'\nE",
    "printf '<%s>' `printf %s '${metadata.v}'`",
  ]
  const value = fc.oneof(text, fc.constantFrom('pve-01.lan', '/var/log/syslog', '100'))
  fc.assert(
    fc.property(fc.constantFrom(...places), value, (place, value) => {
      const command = render(place, value)
      if (command === null) return
      assert.equal(
        run(command),
        run(place.replace('${metadata.v}', 'PLACE')).replace('PLACE', () => value),
      )
    }),
    { numRuns: 300 },
  )
})

test('the author’s quotes around nothing but a placeholder are replaced', () => {
  assert.equal(render("ping '${metadata.v}' -c 5", "x'; id"), "ping 'x'\\''; id' -c 5")
  assert.equal(render('ping "${metadata.v}"', '$(id)'), "ping '$(id)'")
  assert.equal(render("curl -w '%{x}' ${metadata.v}", 'a b'), "curl -w '%{x}' 'a b'")
})

test('inside longer quoted text only a plain value is written', () => {
  const template = "ssh pve 'tail ${metadata.v} | head'"
  assert.equal(render(template, '/var/log/syslog'), "ssh pve 'tail /var/log/syslog | head'")
  for (const value of [...HOSTILE, '-f']) assert.equal(render(template, value), null, value)
})

test('constructs whose quoting is another take plain values only', () => {
  for (const template of [
    "echo $'${metadata.v}'",
    'echo $${metadata.v}',
    'echo $((${metadata.v}))',
    'echo `${metadata.v}`',
    'a # ${metadata.v}',
  ]) {
    assert.equal(render(template, "a'b"), null, template)
  }
})

test('characters that a terminal acts on are not written', () => {
  for (const value of ['\x03id\n', '\x1b[201~id', '\x7f', '\x9b201~', '\0']) {
    assert.equal(render('echo ${metadata.v}', value), null, JSON.stringify(value))
  }
})
