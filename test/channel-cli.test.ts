/** `tempo channel`, `silence` and `notified`, the file of channels, and what the doctor says of them, as processes. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { type Env, makeDataDir, startServer, tempo } from './helpers/process.ts'
import { eventually, startTestServer } from './helpers/server.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

type Json = Record<string, unknown>
type Got = { path: string; headers: IncomingHttpHeaders; body: Json }

async function openReceiver(t: TestContext) {
  const got: Got[] = []
  const answer = { status: 200, body: 'thanks' }
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      got.push({
        path: request.url!,
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()),
      })
      response.statusCode = answer.status
      response.end(answer.body)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`, got, answer }
}

async function makePlace(t: TestContext): Promise<Env> {
  const database = await createTestDatabase()
  t.after(database.drop)
  const dataDir = await makeDataDir(t)
  // Made as the first server makes it.
  await mkdir(dataDir, { recursive: true })
  await writeFile(join(dataDir, 'secret-key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 })
  return { TEMPO_DATA_DIR: dataDir, DATABASE_URL: database.url }
}

async function run(args: string[], env: Env, input = ''): Promise<string> {
  const { code, stdout, stderr } = await tempo(args, env, { input })
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

async function refused(args: string[], env: Env, why: RegExp, input = ''): Promise<void> {
  const { code, stdout, stderr } = await tempo(args, env, { input })
  assert.match(stderr, why)
  assert.doesNotMatch(stderr, /^\s+at /m)
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
}

const list = async (env: Env): Promise<Json[]> => JSON.parse(await run(['channel', 'list', '--json'], env))
const nameOf = ({ name }: Json) => name

test('a channel is added, listed, tested, looked back at and removed, with the server away', async (t) => {
  const [env, receiver] = [await makePlace(t), await openReceiver(t)]
  const add = [
    'channel',
    'add',
    'webhook',
    '--name',
    'ops room',
    '--secret-file',
    '-',
    '--min-severity',
    'error',
  ]
  const more = [
    '--event',
    'backup_failed',
    '--event',
    'node_offline',
    '--match',
    'TaskType=sync',
    '--header',
    'X-Room: 7',
  ]
  const quiet = ['from=22:00', 'to=06:00', 'timezone=Europe/Berlin'].flatMap((pair) => [
    '--set',
    `quietHours.${pair}`,
  ])
  const id = (
    await run([...add, ...more, ...quiet, '--url-env', 'HOOK'], { ...env, HOOK: receiver.url }, `${SECRET}\n`)
  ).trim()
  assert.match(id, UUID)

  const [channel] = await list(env)
  const { name, type, minSeverity, events, match, headers, hasSecret, quietHours, managedBy, url } = channel!
  assert.deepEqual(
    { name, type, minSeverity, events, match, headers, hasSecret, managedBy },
    {
      ...{
        name: 'ops room',
        type: 'webhook',
        minSeverity: 'error',
        events: ['backup_failed', 'node_offline'],
      },
      ...{ match: [{ TaskType: 'sync' }], headers: { 'X-Room': '…' }, hasSecret: true, managedBy: 'api' },
    },
  )
  assert.equal((quietHours as Json).from, '22:00')
  assert.doesNotMatch(JSON.stringify(channel), /MfKQ9r8|\/hook/)
  assert.match(String(url), /^http:\/\/127\.0\.0\.1:\d+\/…$/)
  assert.match(
    await run(['channel', 'list'], env),
    /^ID +NAME.*\n[0-9a-f-]{36} {2}ops room {2}webhook {2}api .*not used yet$/m,
  )

  assert.match(await run(['channel', 'test', 'ops room'], env), /^taken, after \d+ ms\nHTTP 200\nthanks\n$/)
  assert.equal(receiver.got.length, 1)
  assert.equal(receiver.got[0]!.headers['x-room'], '7')
  assert.match(String(receiver.got[0]!.headers['webhook-signature']), /^v1,/)
  assert.equal(receiver.got[0]!.body.event, 'test')

  receiver.answer.status = 404
  receiver.answer.body = 'no such \u001b[31mroom'
  const failed = await tempo(['channel', 'test', id], env)
  assert.equal(failed.code, 1)
  assert.match(failed.stdout, /^refused, after \d+ ms\nHTTP 404\nno such .*room\n$/)
  assert.ok(!failed.stdout.includes('\u001b'))

  const history = await run(['channel', 'history', 'ops room', '--limit', '5'], env)
  assert.match(history, /^TIME .*\n\S+ +permanent +404 .*no such.*\n\S+ +sent +200 /)
  const tries = JSON.parse(await run(['channel', 'history', id, '--json'], env))
  assert.deepEqual(
    tries.map(({ status }: Json) => status),
    [404, 200],
  )
  assert.doesNotMatch(JSON.stringify(tries), /MfKQ9r8/)

  await run(['channel', 'remove', 'ops room'], env)
  assert.deepEqual(await list(env), [])
})

test('what is wrong with a new channel is told at once, with what was meant', async (t) => {
  const env = await makePlace(t)
  await refused(['channel', 'add', 'slak', '--name', 'a'], env, /type: must be one of .*did you mean slack\?/)
  await refused(
    ['channel', 'add', 'slack', '--event', 'backup_faild'],
    env,
    /name: is missing[\s\S]*did you mean backup_failed/,
  )
  const typo = ['channel', 'add', 'ntfy', '--name', 'a', '--topic', 't', '--set', 'minSeverty=error']
  await refused(typo, env, /minSeverty: is not a field of a channel of type ntfy; did you mean minSeverity\?/)
  await refused(
    ['channel', 'add', 'slack', '--name', 'a', '--url-env', 'NOT_SET'],
    env,
    /--url-env NOT_SET: there is nothing in it/,
  )
  await refused(
    ['channel', 'add', 'slack', '--url', 'http://a', '--url-file', '-'],
    env,
    /give one of them/,
    'http://b',
  )
  await refused(
    ['channel', 'add', 'gotify', '--url-file', '-', '--secret-file', '-'],
    env,
    /one option only/,
    'x',
  )
  await run(['channel', 'add', 'ntfy', '--name', 'a', '--topic', 't'], env)
  await refused(
    ['channel', 'add', 'ntfy', '--name', 'a', '--topic', 't'],
    env,
    /Another channel has the name a/,
  )
  await refused(['channel', 'test', 'b'], env, /No channel has the name or id b. There are: a\./)
  assert.deepEqual((await list(env)).map(nameOf), ['a'])
})

test('a channel comes from JSON, and options are over it', async (t) => {
  const env = await makePlace(t)
  const given = {
    name: 'mail',
    host: 'mail.lan',
    from: 'Tempo <t@example.org>',
    port: 25,
    security: 'none',
    enabled: true,
  }
  const options = [
    '--port',
    '2525',
    '--to',
    'a@example.org, "B, C" <b@example.org>',
    '--disabled',
    '--no-resolved',
  ]
  await run(['channel', 'add', 'email', '--json', '-', ...options], env, JSON.stringify(given))
  const [{ port, recipients, enabled, sendResolved, security } = {}] = await list(env)
  assert.deepEqual(
    { port, recipients, enabled, sendResolved, security },
    {
      ...{ port: 2525, recipients: ['a@example.org', '"B, C" <b@example.org>'] },
      ...{ enabled: false, sendResolved: false, security: 'none' },
    },
  )
  await refused(['channel', 'add', 'email', '--json', '-'], env, /give a JSON object/, '[1]')
})

test('without the key of the server no channel is made that it could not open', async (t) => {
  const env = await makePlace(t)
  await run(['channel', 'add', 'ntfy', '--name', 'a', '--topic', 't'], env)
  const elsewhere = { ...env, TEMPO_DATA_DIR: await makeDataDir(t) }
  await refused(
    ['channel', 'add', 'ntfy', '--name', 'b', '--topic', 't'],
    elsewhere,
    /There is no .*secret-key.*TEMPO_SECRET_KEY/,
  )
  const [shown] = await list(elsewhere)
  assert.match(String(shown!.problem), /There is no .*secret-key/)
})

test('a file is applied as a whole, anew without a change, and not at all with a fault', async (t) => {
  const [env, receiver] = [await makePlace(t), await openReceiver(t)]
  const folder = await mkdtemp(join(tmpdir(), 'tempo-channels-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'channels.yaml')
  await writeFile(join(folder, 'signing'), `${SECRET}\n`)
  await writeFile(
    path,
    'channels:\n  - {name: hook, type: webhook, url: "${HOOK}", secret: "${file:signing}"}\n  - {name: push, type: ntfy, topic: alerts}\n',
  )
  const withHook = { ...env, HOOK: receiver.url }
  await run(['channel', 'add', 'ntfy', '--name', 'by hand', '--topic', 't'], env)

  assert.equal(
    await run(['channel', 'apply', path, '--dry-run'], withHook),
    'created    hook\ncreated    push\n',
  )
  assert.deepEqual((await list(env)).map(nameOf), ['by hand'])
  assert.equal(await run(['channel', 'apply', path], withHook), 'created    hook\ncreated    push\n')
  assert.equal(await run(['channel', 'apply', path], withHook), 'unchanged  hook\nunchanged  push\n')
  await run(['channel', 'test', 'hook'], env)
  assert.ok(receiver.got[0]!.headers['webhook-signature'])

  await refused(
    ['channel', 'apply', path],
    env,
    /channels\.yaml:2:\d+ channels\.0\.url: the variable HOOK is not set/,
  )
  await refused(['channel', 'remove', 'hook'], env, /hook is written in the file of TEMPO_CHANNELS_FILE/)
  const faulty = 'channels:\n  - {name: new, type: ntfy, topic: t}\n  - {name: bad, type: ntfy, topc: t}\n'
  await refused(
    ['channel', 'apply', '-'],
    env,
    /^-:3:\d+ channels\.1\.topc: is not a field.*did you mean topic/m,
    faulty,
  )
  assert.deepEqual((await list(env)).map(nameOf), ['by hand', 'hook', 'push'])

  assert.equal(
    await run(['channel', 'apply', '-'], env, 'channels: []\n'),
    'removed    hook\nremoved    push\n',
  )
  assert.deepEqual((await list(env)).map(nameOf), ['by hand'])
})

test('a server that runs learns of a channel, of a silence and of its end', async (t) => {
  const receiver = await openReceiver(t)
  const server = await startTestServer()
  t.after(server.stop)
  const env = { DATABASE_URL: server.database.url, TEMPO_DATA_DIR: server.dataDir }
  const send = (vmid: string) =>
    server.post('/ingest', server.adminToken, {
      providerIdentifier: 'com.proxmox',
      title: `backup of ${vmid}`,
      metadata: { severity: 'error', VMID: vmid, NodeName: 'pve1', TaskType: 'vzdump' },
    })
  const told = async (id: string) => {
    const [one] = JSON.parse(await run(['notified', id, '--json'], env)) as Json[]
    return one!
  }

  const early = await send('99')
  await run(
    [
      'channel',
      'add',
      'webhook',
      '--name',
      'hook',
      '--url',
      receiver.url,
      '--set',
      'groupWaitSeconds=0',
      '--set',
      'groupIntervalSeconds=0',
    ],
    env,
  )
  await eventually(async () => (await server.get('/api/v1/channels')).body.items.length === 1)
  const silence = [
    'silence',
    'add',
    '--reason',
    'new disks',
    '--for',
    '4h',
    '--node',
    'pve1',
    '--vmid',
    '10?',
    '--channel',
    'hook',
  ]
  const id = (await run(silence, env)).trim()
  const loud = await send('200')
  await eventually(() => receiver.got.length === 1)
  const quiet = await send('100')
  const held = await eventually(async () => {
    const one = await told(quiet.body.id)
    return one.outcome === 'held' && one
  }, 20_000)
  assert.match(String(held.reason), /^Silenced until .*: new disks$/)
  await eventually(async () => (await told(loud.body.id)).outcome === 'sent', 20_000)
  assert.match(
    await run(['notified', early.body.id], env),
    /hook +webhook +not chosen +The channel was made after the event/,
  )

  assert.match(await run(['silence', 'list'], env), /holds .*channel \S+ node pve1 vmid 10\? .*new disks$/m)
  await run(['silence', 'end', id], env)
  assert.match(await run(['silence', 'list'], env), new RegExp(`^${id}  over `, 'm'))
  await refused(['silence', 'end', id], env, /No silence with the id/)
  const [{ id: eventId }] = (await server.get('/api/v1/events?vmid=100')).body.items
  assert.equal(eventId, quiet.body.id)
  await eventually(
    async () => (await server.get('/api/v1/silences')).body.items[0].to < new Date().toISOString(),
  )
  await send('101')
  await eventually(() => receiver.got.length === 2)
})

test('a silence needs one end, and a sensible one', async (t) => {
  const env = await makePlace(t)
  const add = (...more: string[]) => ['silence', 'add', '--reason', 'x', ...more]
  await refused(add(), env, /give either --for or --to/)
  await refused(add('--for', '4h', '--to', '2099-01-01T00:00:00Z'), env, /give either --for or --to/)
  await refused(add('--for', '4 hours'), env, /--for 4 hours: write it as 30m/)
  await refused(add('--to', '2020-01-01T00:00:00Z'), env, /must be later than now/)
  await refused(add('--to', 'tomorrow'), env, /--to tomorrow: write it as/)
  await refused(add('--for', '1h', '--provider', 'Proxmox'), env, /providers\.0/)
  await refused(add('--for', '1h', '--channel', 'none'), env, /No channel has the name/)
  assert.equal(await run(['silence', 'list', '--json'], env), '[]\n')
})

test('the server takes the file into force, follows its changes, and keeps the last good one', async (t) => {
  const [env, receiver] = [await makePlace(t), await openReceiver(t)]
  const folder = await mkdtemp(join(tmpdir(), 'tempo-channels-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'channels.yaml')
  const put = async (text: string) => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  const hook = `  - {name: hook, type: webhook, url: "${receiver.url}"}\n`
  await put(`channels:\n${hook}`)
  const server = await startServer(t, { ...env, TEMPO_CHANNELS_FILE: path })
  const headers = { 'X-Tempo-Token': server.adminToken }
  const channels = async () => {
    const { items } = (await (await fetch(`${server.url}/api/v1/channels`, { headers })).json()) as {
      items: Json[]
    }
    return items.map(({ name, managedBy }) => `${name} ${managedBy}`).join()
  }
  assert.equal(await channels(), 'hook file')

  await put(`channels:\n${hook}  - {name: push, type: ntfy, topic: a}\n`)
  await eventually(async () => (await channels()) === 'hook file,push file', 20_000)
  await put('channels:\n  - {name: hook, type: webhok}\n')
  const line = await eventually(
    () => server.log().find(({ msg }) => msg.includes('the file of channels is faulty')),
    20_000,
  )
  assert.match(
    JSON.stringify(line),
    /channels\.yaml:2:\d+ channels\.0\.type: must be one of .*did you mean webhook/,
  )
  assert.equal(await channels(), 'hook file,push file')
  const doctor = await tempo(['doctor'], { ...env, TEMPO_CHANNELS_FILE: path })
  assert.equal(doctor.code, 1)
  assert.match(doctor.stdout, /^bad .*channels\.yaml is faulty[\s\S]*^bad .*channels\.yaml:2:/m)

  await put(`channels:\n${hook}`)
  await eventually(async () => (await channels()) === 'hook file', 20_000)
})

test('a server whose file is faulty or missing from the start receives all the same', async (t) => {
  const env = await makePlace(t)
  const server = await startServer(t, {
    ...env,
    TEMPO_CHANNELS_FILE: join(env.TEMPO_DATA_DIR!, 'nowhere.yaml'),
  })
  const answer = await fetch(`${server.url}/ingest`, {
    method: 'POST',
    headers: { 'X-Tempo-Token': server.adminToken },
    body: '{"providerIdentifier":"com.proxmox","title":"x"}',
  })
  assert.equal(answer.status, 200)
  assert.match(JSON.stringify(server.log()), /nowhere\.yaml: cannot be read \(ENOENT\)/)
})

test('the doctor says of each channel how it is, and what to do', async (t) => {
  const [env, receiver] = [await makePlace(t), await openReceiver(t)]
  const doctor = async (more: Env = {}) => tempo(['doctor'], { ...env, ...more })
  assert.match((await doctor()).stdout, /^note {2}no notification channel yet: tempo channel add/m)

  await run(['channel', 'add', 'webhook', '--name', 'hook', '--url', receiver.url], env)
  await run(['channel', 'add', 'ntfy', '--name', 'off', '--topic', 't', '--disabled'], env)
  const well = await doctor()
  assert.match(
    well.stdout,
    /^good {2}channel hook \(webhook\) was told nothing yet; tempo channel test 'hook'/m,
  )
  assert.match(well.stdout, /^note {2}channel off \(ntfy\) is switched off$/m)
  assert.match(well.stdout, /^good .*secret-key is there, and private/m)
  assert.equal(well.code, 0)

  const path = join(env.TEMPO_DATA_DIR!, 'channels.yaml')
  await writeFile(path, 'channels: [{name: push, type: ntfy, topic: a}]\n')
  assert.match((await doctor({ TEMPO_CHANNELS_FILE: path })).stdout, /^note .*of which 1 are not in force/m)
  await run(['channel', 'apply', path], env)
  assert.match((await doctor({ TEMPO_CHANNELS_FILE: path })).stdout, /^good .*which are in force/m)

  await chmod(join(env.TEMPO_DATA_DIR!, 'secret-key'), 0o644)
  const open = await doctor()
  assert.match(open.stdout, /^bad .*secret-key can be read by others: chmod 600/m)
  assert.equal(open.code, 1)
  const other = await doctor({ TEMPO_SECRET_KEY: 'another key of at least thirty-two characters' })
  assert.match(
    other.stdout,
    /^bad .*channel hook \(webhook\) cannot be used: A stored secret was sealed with another key/m,
  )
})

test('the doctor tells since when a channel fails, with the answer of its receiver', async (t) => {
  const receiver = await openReceiver(t)
  receiver.answer.status = 503
  receiver.answer.body = 'down for maintenance'
  const server = await startTestServer()
  t.after(server.stop)
  const env = { DATABASE_URL: server.database.url, TEMPO_DATA_DIR: server.dataDir }
  await run(
    ['channel', 'add', 'webhook', '--name', 'hook', '--url', receiver.url, '--set', 'groupWaitSeconds=0'],
    env,
  )
  await eventually(async () => (await server.get('/api/v1/channels')).body.items.length === 1)
  await server.post('/ingest', server.adminToken, {
    providerIdentifier: 'com.proxmox',
    title: 'x',
    metadata: { severity: 'error' },
  })
  await eventually(
    async () => (await server.get('/api/v1/channels')).body.items[0].state.failures > 0,
    20_000,
  )
  const { stdout, code } = await tempo(['doctor'], env)
  assert.match(
    stdout,
    /^bad .*channel hook \(webhook\) has failed \d+ time\(s\) since \S+Z.*: down for maintenance; tempo channel test 'hook'/m,
  )
  assert.equal(code, 1)
})
