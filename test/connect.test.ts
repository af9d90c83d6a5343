/** `tempo connect`: the lines that it prints are run by a shell, rendered by Handlebars, and sent to a real server. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, type TestContext, test } from 'node:test'
import Handlebars from 'handlebars'
import { loadFixtures } from './helpers/fixtures.ts'
import { CLI, type Env, tempo } from './helpers/process.ts'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let env: Env

before(async () => {
  server = await startTestServer()
  env = { DATABASE_URL: server.database.url, TEMPO_DATA_DIR: server.dataDir }
})

after(() => server?.stop())

const COMMANDS = ['pvesh', 'proxmox-backup-manager']

/** Runs lines in a shell in which the commands of Proxmox only show their words. */
function runLines(lines: string): string[][] {
  const stubs = COMMANDS.map((name) => `${name}() { printf '%s\\0' ${name} "$@"; printf '\\1'; }\n`)
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', stubs.join('') + lines], { encoding: 'utf8' })
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return stdout
    .split('\x01')
    .slice(0, -1)
    .map((call) => call.split('\0').slice(0, -1))
}

const decode = (text: string) => Buffer.from(text, 'base64').toString()

function options(call: string[], name: string): string[] {
  return call.flatMap((word, place) => (word === name ? call[place + 1]! : []))
}

/** `name=N,value=BASE64` options as Proxmox understands them. */
function pairs(call: string[], name: string): Record<string, string> {
  const found = options(call, name).map((text) => /^name=([\w-]+),value=(.+)$/.exec(text)!)
  return Object.fromEntries(found.map(([, key, value]) => [key, decode(value!)]))
}

/** Handlebars with the helpers of Proxmox, which escapes nothing by itself. */
function createRenderer() {
  const renderer = Handlebars.create()
  const json = (value: unknown) => JSON.stringify(value ?? null)
  renderer.registerHelper('json', json)
  renderer.registerHelper('escape', (value: string) => json(value).slice(1, -1))
  renderer.registerHelper('url-encode', (value: string) => encodeURIComponent(value))
  return (template: string, values: object) => {
    // In JavaScript }}} is one token; the engine of Proxmox, a grammar in Rust, reads the end of {{ and then a brace.
    const readable = template.includes('{{{') ? template : template.replaceAll('}}}', '}} }')
    return renderer.compile(readable, { noEscape: true })(values)
  }
}

type Target = { url: string; send: (values: object, changes?: Record<string, string>) => Promise<Answer> }
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
type Answer = { status: number; body: any }

/** Does with a notification what Proxmox does for a target that the printed line has made. */
function targetOf(create: string[]): Target {
  const render = createRenderer()
  const [url, body] = [options(create, '--url')[0]!, decode(options(create, '--body')[0]!)]
  const headers = pairs(create, '--header')
  const secrets = pairs(create, '--secret')
  const send: Target['send'] = async (notification, changes = {}) => {
    const values = { ...notification, secrets: { ...secrets, ...changes } }
    const response = await fetch(render(url, values), {
      method: options(create, '--method')[0]!,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [
        name,
        render(value, values),
      ]),
      body: render(body, values),
      redirect: 'error',
    })
    return { status: response.status, body: await response.json() }
  }
  return { url, send }
}

function connect(...args: string[]) {
  return tempo(['connect', ...args], env)
}

const notifications = loadFixtures('pve-native').map(({ name, bytes }) => ({
  name,
  values: JSON.parse(bytes.toString()) as Record<string, unknown>,
}))
const testNotification = () => ({
  ...notifications.find(({ name }) => name === 'pve-native/test.json')!.values,
  timestamp: Math.round(Date.now() / 1000),
})

test('what Proxmox renders from the printed lines becomes the events they are', async () => {
  const { code, stdout, stderr } = await connect(
    ...['proxmox', '--url', server.url, '--name', 'lab', '--ui', 'https://pve.lan:8006/'],
  )
  assert.deepEqual([code, /^(# .+\n)+$/.test(stderr)], [0, true], stderr)
  const [create, matcher, check, ...more] = runLines(stdout)
  assert.deepEqual(more, [])
  assert.deepEqual(create!.slice(0, 5), [
    ...['pvesh', 'create', '/cluster/notifications/endpoints/webhook', '--name', 'lab'],
  ])
  assert.deepEqual(options(matcher!, '--target'), ['mail-to-root', 'lab'])
  assert.deepEqual(check, ['pvesh', 'create', '/cluster/notifications/targets/lab/test'])
  assert.deepEqual(pairs(create!, '--header'), {
    'Content-Type': 'application/json',
    'X-Tempo-Token': '{{ secrets.token }}',
  })
  const { token, ...others } = pairs(create!, '--secret')
  assert.match(token!, /^tempo_[0-9a-f]{8}_[\w-]{43}$/)
  assert.deepEqual(others, {})

  const { url, send } = targetOf(create!)
  assert.equal(url, `${server.url}/ingest/proxmox`)
  assert.ok(notifications.length >= 10)
  for (const { name, values } of notifications) {
    for (const fields of [values.fields, undefined]) {
      const answer = await send({ ...values, fields })
      assert.equal(answer.status, 200, `${name} ${JSON.stringify(answer.body)}`)
      const { body: event } = await server.get(`/api/v1/events/${answer.body.id}`)
      const { hostname, type } = (fields ?? {}) as Record<string, string>
      assert.deepEqual(
        [event.provider, event.title, event.metadata.Message, Date.parse(event.startDate) / 1000],
        ['com.proxmox', String(values.title).trim(), values.message, values.timestamp],
      )
      if (fields)
        assert.deepEqual([event.metadata.NodeName, event.metadata.TaskType], [hostname ?? null, type ?? null])
      assert.deepEqual(
        [event.facts.ServerUrl ?? event.metadata.ServerUrl, event.facts.Cluster ?? event.metadata.Cluster],
        ['https://pve.lan:8006', 'lab'],
      )
    }
  }
})

test('a title with quotes, lines and braces survives the template', async () => {
  const { stdout } = await connect('proxmox', '--url', `${server.url}/ingest/`)
  const { send } = targetOf(runLines(stdout)[0]!)
  const title = 'It "broke" \\ {{ title }} <b> & more'
  const { status, body } = await send({
    title,
    message: 'a\n"b"\t\\',
    severity: 'error',
    timestamp: 1795222905,
  })
  assert.deepEqual([status, body.title], [200, title])
})

test('a backup server has its own command and provider, and every option is taken', async () => {
  const options = ['--cluster', "Bob's", '--provider', 'com.proxmox.backup.lab', '--json']
  const { code, stdout, stderr } = await connect('pbs', '--url', server.url, ...options)
  const { token, url, provider, defaults, commands } = JSON.parse(stdout)
  assert.deepEqual(
    [code, stderr, url],
    [0, '# For the node, 127.0.0.1 is the node itself.\n', `${server.url}/ingest/proxmox`],
  )
  assert.deepEqual([provider, defaults], ['com.proxmox.backup.lab', { Cluster: "Bob's" }])
  const [create] = runLines(commands.create)
  assert.deepEqual(create!.slice(0, 6), [
    ...['proxmox-backup-manager', 'notification', 'endpoint', 'webhook', 'create', 'tempo'],
  ])
  assert.equal(pairs(create!, '--secret').token, token.token)
  const stored = (await server.get('/api/v1/tokens')).body.items.find(
    ({ id }: { id: string }) => id === token.id,
  )
  assert.deepEqual(
    [stored.name, stored.scopes, stored.providers, stored.defaults],
    ['tempo', ['ingest'], ['com.proxmox.backup.lab'], { Cluster: "Bob's" }],
  )
  const { values } = notifications.find(({ name }) => name === 'pve-native/system-mail.json')!
  assert.equal((await targetOf(create!).send(values)).body.provider, 'com.proxmox.backup.lab')
})

test('a release without webhooks gets a Gotify target that works', async () => {
  const { stdout } = await connect('proxmox', '--url', server.url, '--pve-version', '8.2.7')
  const [create] = runLines(stdout)
  assert.equal(create![2], '/cluster/notifications/endpoints/gotify')
  const [url, key] = [options(create!, '--server')[0]!, options(create!, '--token')[0]!]
  const answer = await fetch(`${url}/message`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'X-Gotify-Key': key },
    body: loadFixtures('gotify')[0]!.bytes.toString(),
  })
  assert.deepEqual([url, answer.status], [server.url, 200])
})

test('the fields of the form stand in the place of the commands', async () => {
  const { code, stdout } = await connect('proxmox', '--url', server.url, '--gui')
  assert.equal(code, 0)
  assert.match(stdout, /^Datacenter → Notifications → Add → Webhook\nEndpoint Name: +tempo\n/)
  assert.match(stdout, /^URL: +http:\/\/127\.0\.0\.1:\d+\/ingest\/proxmox$/m)
  assert.match(stdout, /^Secret token: +tempo_/m)
  assert.doesNotMatch(stdout, /pvesh/)
})

test('what cannot be set up is refused before a token is made', async () => {
  const count = async () => (await server.get('/api/v1/tokens')).body.items.length
  const before = await count()
  const url = ['--url', server.url]
  const wishes: [string[], why: RegExp][] = [
    [[], /^--url: give the address of this server as the node reaches it/],
    [['--url', 'http://a b'], /^--url: must be an address/],
    [[...url, '--name', '-x', '--ui', 'pve'], /^--name: must be .*\n--ui: must be /],
    [[...url, '--pve-version', '7.4'], /^--pve-version: .* upgrade it first/],
    [[...url, '--provider', 'com.example'], /^--provider: must be com\.proxmox/],
    [[...url, '--watch', '--timeout', 'soon'], /^--timeout: give a time/],
  ]
  const refuse = async ([args, why]: (typeof wishes)[number]) => {
    const { code, stdout, stderr } = await connect('proxmox', ...args)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, why)
  }
  await Promise.all(wishes.map(refuse))
  assert.equal(await count(), before)
})

/** The command while it waits; it ends with the test. */
async function watch(t: TestContext, url: string, ...args: string[]) {
  const words = [CLI, 'connect', 'proxmox', '--url', url, '--watch', ...args]
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, words, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  const exited = once(child, 'close').then(([code]) => code as number)
  const told = (what: RegExp) => eventually(() => what.test(text.stderr), 30_000)
  await told(/^Waiting for the Test …$/m)
  return { target: targetOf(runLines(text.stdout)[0]!), told, exited, kill: () => child.kill('SIGINT'), text }
}

test('the watch tells of a wrong token, of bodies that cannot be read, of other events, and ends with the Test', async (t) => {
  const { target, told, exited, text } = await watch(t, server.url)
  const token = { 'X-Tempo-Token': text.stdout.match(/tempo_\w+/)?.[0] ?? '' }
  assert.equal(token['X-Tempo-Token'], '', 'the token is in base64 only')

  assert.equal((await target.send(testNotification(), { token: 'wrong' })).status, 401)
  await told(
    /^A wrong token came from 127\.0\.0\.1 to \/ingest\/proxmox\. .*secret "token" of the target tempo/m,
  )
  assert.equal((await server.post('/ingest/proxmox', null, '{}')).status, 401)
  await told(/^A request without a token came from 127\.0\.0\.1 .*\{\{ secrets\.token \}\}/m)

  const { values } = notifications.find(({ name }) => name === 'pve-native/fencing.json')!
  assert.equal((await target.send({ ...values, title: '{{ title }}' })).status, 422)
  await told(/^A body from 127\.0\.0\.1 could not be read\. .*template/m)
  assert.equal((await target.send(values)).status, 200)
  await told(/^"Trying to fence node 'pve2'" has arrived .* It is no Test; waiting on\.$/m)

  assert.equal((await target.send(testNotification())).status, 200)
  assert.equal(await exited, 0)
  assert.match(text.stderr, /^The Test has arrived from 127\.0\.0\.1\. All is well\.$/m)
  assert.equal(text.stderr.match(/wrong token/g)!.length, 1)
})

test('a Test to another path is told of, and one without a Content-Type is good', async (t) => {
  const { target, told, exited, text } = await watch(t, server.url)
  const secret = decode(/name=token,value=(\S+)/.exec(text.stdout)![1]!)
  await server.post('/ingest', secret, testNotification())
  await told(
    /^"Test notification" came from 127\.0\.0\.1 to \/ingest, .* Set the URL of the target tempo to http/m,
  )
  const body = new Uint8Array(Buffer.from(JSON.stringify(testNotification())))
  const answer = await fetch(target.url, { method: 'POST', headers: { 'X-Tempo-Token': secret }, body })
  assert.equal(answer.status, 200)
  assert.equal(await exited, 0)
  assert.doesNotMatch(text.stderr, /Content-Type/)
})

test('silence brings hints, and the end of the time exit code 1', async (t) => {
  const { exited, text } = await watch(t, server.url, '--timeout', '2s')
  assert.equal(await exited, 1)
  for (const hint of [
    /firewall/i,
    /a matcher must name the target/,
    /legacy-sendmail, or auto with mailto/,
  ]) {
    assert.match(text.stderr, hint)
  }
  assert.match(text.stderr, /\nNo Test has come in 2s\. .* tempo token revoke [0-9a-f-]{36}\n$/)
})

test('Ctrl-C ends the watch, and an address that redirects is told of', async (t) => {
  const front = createServer((_, response) => {
    response.writeHead(301, { Location: 'https://tempo.lan/health' }).end()
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  t.after(() => front.close())
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
  const { kill, exited, text } = await watch(t, url)
  assert.match(text.stderr, /redirects to https:\/\/tempo\.lan\. Proxmox would follow without the body/)
  kill()
  assert.equal(await exited, 1)
  assert.match(text.stderr, /\nNot waiting any more\. The token stays; /)
  assert.doesNotMatch(text.stderr, /^\s+at /m)
})
