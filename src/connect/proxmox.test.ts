import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFixtures } from '../../test/helpers/fixtures.ts'
import { NATIVE_TEMPLATE } from '../adapters/proxmox.ts'
import { TempoError } from '../errors.ts'
import { buildProxmoxSetup, type ProxmoxConnection } from './proxmox.ts'

const TOKEN = 'tempo_abcDEF-123'

function setup(changes: Partial<ProxmoxConnection> = {}) {
  return buildProxmoxSetup({
    name: 'tempo',
    url: 'http://tempo.lan:7776',
    token: TOKEN,
    ui: null,
    cluster: null,
    pveVersion: null,
    product: 'pve',
    ...changes,
  })
}

/** The words that a shell makes of a line with plain words, single quotes and broken lines. */
function wordsOf(command: string): string[] {
  const line = command.replaceAll('\\\n', ' ')
  return [...line.matchAll(/(?:'[^']*'|\\'|[^\s'\\]+)+/g)].map(([word]) =>
    word.replace(/\\'|'([^']*)'/g, (quoted, inner) => (quoted === "\\'" ? "'" : inner)),
  )
}

function option(words: string[], name: string): string[] {
  return words.flatMap((word, n) => (word === name ? [words[n + 1]!] : []))
}

/** `name=N,value=BASE64` of headers and secrets. */
function decodePairs(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^name=([\w-]+),value=([A-Za-z0-9+/=]+)$/.exec(pair)!
      return [name, Buffer.from(value!, 'base64').toString()]
    }),
  )
}

const HEADERS = { 'Content-Type': 'application/json', 'X-Tempo-Token': '{{ secrets.token }}' }

test('the lines of Proxmox VE make the target, name it in the matcher, and test it', () => {
  const { commands, target, provider } = setup()
  assert.deepEqual([target, provider], ['webhook', 'com.proxmox'])
  const words = wordsOf(commands.create)
  assert.deepEqual(words.slice(0, 3), ['pvesh', 'create', '/cluster/notifications/endpoints/webhook'])
  assert.deepEqual(
    ['--name', '--method', '--url'].map((name) => option(words, name)),
    [['tempo'], ['post'], ['http://tempo.lan:7776/ingest/proxmox']],
  )
  assert.deepEqual(decodePairs(option(words, '--header')), HEADERS)
  assert.deepEqual(decodePairs(option(words, '--secret')), { token: TOKEN })
  assert.equal(Buffer.from(option(words, '--body')[0]!, 'base64').toString(), NATIVE_TEMPLATE)
  assert.deepEqual(
    commands.matcher,
    'pvesh set /cluster/notifications/matchers/default-matcher --target mail-to-root --target tempo',
  )
  assert.equal(commands.test, 'pvesh create /cluster/notifications/targets/tempo/test')
})

test('the lines of Proxmox Backup Server say the same to its own command', () => {
  const { commands, provider } = setup({ product: 'pbs', pveVersion: '3.3' })
  assert.equal(provider, 'com.proxmox.backup')
  const words = wordsOf(commands.create)
  assert.deepEqual(words.slice(0, 6), [
    'proxmox-backup-manager',
    'notification',
    'endpoint',
    'webhook',
    'create',
    'tempo',
  ])
  assert.deepEqual(decodePairs(option(words, '--header')), HEADERS)
  assert.deepEqual(decodePairs(option(words, '--secret')), { token: TOKEN })
  assert.equal(
    commands.matcher,
    'proxmox-backup-manager notification matcher update default-matcher --target mail-to-root --target tempo',
  )
  assert.equal(commands.test, 'proxmox-backup-manager notification target test tempo')
})

test('the token stands in the secret alone, and its header names the secret', () => {
  const { commands } = setup()
  const encoded = Buffer.from(TOKEN).toString('base64')
  assert.equal(commands.create.split(encoded).length, 2)
  for (const line of Object.values(commands)) assert.ok(!line.includes(TOKEN))
})

test('releases without webhook targets get a Gotify target', () => {
  for (const [product, pveVersion] of [
    ['pve', '8.1'],
    ['pve', '8.2.7-1'],
    ['pbs', '3.2'],
  ] as const) {
    const { commands, target, form } = setup({ product, pveVersion, url: 'http://tempo.lan:7776/ingest/' })
    assert.equal(target, 'gotify')
    const words = wordsOf(commands.create)
    assert.deepEqual(option(words, '--server'), ['http://tempo.lan:7776'])
    assert.deepEqual(option(words, '--token'), [TOKEN])
    assert.deepEqual(
      form.fields.map(({ label }) => label),
      ['Endpoint Name', 'Server URL', 'API Token'],
    )
    const start =
      product === 'pve'
        ? ['pvesh', 'create', '/cluster/notifications/endpoints/gotify', '--name', 'tempo']
        : ['proxmox-backup-manager', 'notification', 'endpoint', 'gotify', 'create', 'tempo']
    assert.deepEqual(words.slice(0, start.length), start)
  }
  for (const pveVersion of ['8.3', '8.10', '9', '9.0.3', '10.1~beta', null, '']) {
    assert.equal(setup({ pveVersion }).target, 'webhook', String(pveVersion))
  }
})

test('the form takes plain text, in the order in which Proxmox shows it', () => {
  const { form } = setup()
  assert.equal(form.place, 'Datacenter → Notifications → Add → Webhook')
  assert.deepEqual(
    form.fields.map(({ label, value }) => [label, value]),
    [
      ['Endpoint Name', 'tempo'],
      ['Method', 'POST'],
      ['URL', 'http://tempo.lan:7776/ingest/proxmox'],
      ['Header Content-Type', 'application/json'],
      ['Header X-Tempo-Token', '{{ secrets.token }}'],
      ['Body', NATIVE_TEMPLATE],
      ['Secret token', TOKEN],
    ],
  )
  assert.match(setup({ product: 'pbs' }).form.place, /^Configuration → /)
})

test('the address may be that of the server, of an intake, or below a path', () => {
  for (const [url, expected] of [
    ['http://tempo.lan:7776', 'http://tempo.lan:7776/ingest/proxmox'],
    ['http://tempo.lan:7776/', 'http://tempo.lan:7776/ingest/proxmox'],
    ['http://tempo.lan:7776/ingest', 'http://tempo.lan:7776/ingest/proxmox'],
    ['http://tempo.lan:7776/ingest/proxmox/', 'http://tempo.lan:7776/ingest/proxmox'],
    ['https://lan.example/tempo/events', 'https://lan.example/tempo/ingest/proxmox'],
    [' http://[fd00::1]:7776 ', 'http://[fd00::1]:7776/ingest/proxmox'],
  ] as const) {
    assert.deepEqual(option(wordsOf(setup({ url }).commands.create), '--url'), [expected])
  }
})

test('address and cluster of Proxmox become metadata of the token', () => {
  assert.deepEqual(setup().defaults, {})
  assert.deepEqual(setup({ ui: 'https://pve.lan:8006/', cluster: ' lab ' }).defaults, {
    ServerUrl: 'https://pve.lan:8006',
    Cluster: 'lab',
  })
})

test('what a shell, a template or Proxmox would misread is refused, all at once', () => {
  const refused = (changes: Partial<ProxmoxConnection>): string[] => {
    try {
      setup(changes)
    } catch (error) {
      assert.ok(error instanceof TempoError)
      assert.equal(error.status, 422)
      return error.errors.map(({ path }) => path)
    }
    return []
  }
  for (const name of ['', 'a', 'a b', "a'b", 'a$b', 'a/b', '-a', '.a', 'ä1', 'x'.repeat(33), 'a\nb']) {
    assert.deepEqual(refused({ name }), ['name'], name)
  }
  for (const url of [
    ...[
      '',
      'tempo.lan:7776',
      'ftp://a',
      'http://',
      'http://a b',
      "http://a/'",
      'http://a/$x',
      'http://a/`id`',
    ],
    ...[
      'http://a/{{x}}',
      'http://u:p@a',
      'http://a?x=1',
      'http://a#x',
      'http://a:99999',
      'http://a\n/x',
      'http://a/"',
    ],
  ]) {
    assert.deepEqual(refused({ url }), ['url'], url)
  }
  for (const token of ['', ' ', 'a b', 'a\nb', 'ä']) assert.deepEqual(refused({ token }), ['token'], token)
  for (const ui of ['pve.lan', 'javascript:alert(1)', 'https://a/#x'])
    assert.deepEqual(refused({ ui }), ['ui'])
  for (const pveVersion of ['8.0', '7.4', 'new', '8,2'])
    assert.deepEqual(refused({ pveVersion }), ['pveVersion'])
  assert.deepEqual(refused({ product: 'pbs', pveVersion: '3.1' }), ['pveVersion'])
  assert.deepEqual(refused({ cluster: 'a\nb' }), ['cluster'])
  assert.deepEqual(refused({ name: '', url: '', token: '', ui: 'x' }), ['name', 'url', 'token', 'ui'])
})

test('a token with signs that a shell reads is quoted where it stands bare', () => {
  const token = `a'b"$c\`d\\e`
  const words = wordsOf(setup({ token, pveVersion: '8.2' }).commands.create)
  assert.deepEqual(option(words, '--token'), [token])
})

test('the body rendered by the rules of Proxmox is what was recorded from it', () => {
  for (const { name, bytes } of loadFixtures('pve-native')) {
    const values = JSON.parse(bytes.toString())
    const rendered = NATIVE_TEMPLATE.replace('{{timestamp}}', () => String(values.timestamp)).replace(
      /\{\{json (\w+)\}\}/g,
      (_, key: string) => JSON.stringify(values[key]),
    )
    assert.equal(rendered.replace(/ \}$/, '}'), bytes.toString().trim(), name)
  }
})
