/** `tempo score explain|backtest|validate --json` and `doctor` on broken scores, as processes. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Env, tempo } from './helpers/process.ts'
import { fixture, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let folder: string
let env: Env

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tempo-scores-'))
  server = await startTestServer()
  env = { DATABASE_URL: server.database.url, TEMPO_DATA_DIR: server.dataDir }
})

after(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

async function store(path: string): Promise<string> {
  const { status, body } = await server.post('/ingest', await server.token(), await fixture(path))
  assert.equal(status, 200)
  return body.id
}

test('explain tells of a payload in a file which rule won, and what its key and actions miss', async () => {
  const path = fileURLToPath(new URL('./fixtures/pve/fencing.json', import.meta.url))
  const { code, stdout } = await tempo(['score', 'explain', path], env)
  assert.equal(code, 0)
  assert.match(stdout, /^severity {2}error, badge "Error", decided by 1$/m)
  assert.match(stdout, /^ {2}→ 1: error when severity is "error"$/m)
  assert.match(stdout, /missing metadata\.VMID$/m)
  assert.match(stdout, /^ {2}→ \$\{metadata\.NodeName\}: pve2$/m)
  assert.match(stdout, /^ {2}Copy VMID: disabled, missing metadata\.VMID$/m)
})

test('explain tells of a stored event the same as of its payload, also as JSON', async () => {
  const id = await store('pve/system-mail.json')
  const { code, stdout } = await tempo(['score', 'explain', id, '--json'], env)
  assert.equal(code, 0)
  const explanation = JSON.parse(stdout)
  assert.deepEqual([explanation.score.foundAs, explanation.outcome.label], ['com.proxmox', 'System mail'])
  const unknown = await tempo(['score', 'explain', '019ddc5e-7c00-7000-8000-000000000000'], env)
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /does not exist/)
})

test('backtest tells which stored events an edited score would judge otherwise, and changes none', async () => {
  const id = await store('pve/fencing.json')
  const { body: score } = await server.get('/api/v1/scores/com.proxmox')
  const edited = join(folder, 'edited.tempo-score')
  const [first, second, ...others] = score.severityRules
  const harsher = {
    ...score,
    severityRules: [first, { ...second, severity: 'critical', label: 'Fire' }, ...others],
  }
  await writeFile(edited, JSON.stringify(harsher))
  const { code, stdout, stderr } = await tempo(['score', 'backtest', edited, '--days', '3650'], env)
  assert.equal(code, 0)
  const line = stdout.split('\n').find((text) => text.includes(id))!
  assert.match(line, /severity error → critical, label Error → Fire$/)
  assert.match(stderr, /^1 of \d+ events of the last 3650 days would change\.\n$/)
  assert.equal((await server.get(`/api/v1/events/${id}`)).body.severity, 'error')
  assert.equal((await tempo(['score', 'backtest', edited, '--days', '0'], env)).code, 1)
})

test('validate tells in JSON the path, the place and the key that was meant, and doctor reports the file', async () => {
  const broken = join(folder, 'broken.json')
  await writeFile(
    broken,
    '{\n  "providerIdentifier": "org.x",\n  "displayName": "X",\n  "colour": "#123456"\n}\n',
  )
  const { code, stdout } = await tempo(['score', 'validate', broken, '--json'], env)
  assert.equal(code, 1)
  const [result] = JSON.parse(stdout)
  const [problem] = result.problems
  assert.deepEqual([result.valid, problem.meant, problem.line, problem.column], [false, 'color', 4, 3])
  const doctor = await tempo(['doctor'], { ...env, TEMPO_SCORES_DIR: folder })
  assert.equal(doctor.code, 1)
  assert.match(doctor.stdout, /^bad .*broken\.json.*colour/m)
})
