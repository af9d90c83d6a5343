/** Which threads of a server go before others. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { constants, getPriority } from 'node:os'
import { type TestContext, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { embeddedDatabase, makeDataDir, startServer } from './helpers/process.ts'

const { PRIORITY_ABOVE_NORMAL, PRIORITY_NORMAL } = constants.priority
const isLinux = process.platform === 'linux' && getPriority() === PRIORITY_NORMAL
const runs = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
/** Becomes a program that may not raise its priority, whoever we are. */
const WITHOUT_RIGHT = ['setpriv', '--bounding-set=-sys_nice', '--inh-caps=-sys_nice']
const RAISE = ['-e', 'os.setPriority(-1)']
const mayRaise = isLinux && runs(process.execPath, ...RAISE)
const canDropRight = runs(WITHOUT_RIGHT[0]!, ...WITHOUT_RIGHT.slice(1), 'true')

/** The nice value of a thread: the 19th field of its line (proc_pid_stat(5)), the second of which may hold blanks. */
async function niceOf(path: string): Promise<number> {
  const line = await readFile(`${path}/stat`, 'utf8')
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19 - 3])
}

/** Those of its first thread, and of all others. */
async function nicesOf(pid: number): Promise<{ first: number; others: number[] }> {
  const threads = await readdir(`/proc/${pid}/task`)
  const others = threads.filter((thread) => thread !== String(pid))
  const first = await niceOf(`/proc/${pid}`)
  return { first, others: await Promise.all(others.map((thread) => niceOf(`/proc/${pid}/task/${thread}`))) }
}

async function childrenOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
}

async function startUnder(t: TestContext, under: string[]) {
  const dataDir = await makeDataDir(t)
  const database = await createTestDatabase()
  t.after(database.drop)
  return startServer(t, { TEMPO_DATA_DIR: dataDir, DATABASE_URL: database.url }, under)
}

test('the thread that answers goes before others, its helpers and its database do not', {
  skip: !mayRaise,
}, async (t) => {
  const dataDir = await makeDataDir(t)
  const server = await startServer(t, { TEMPO_DATA_DIR: dataDir })
  const { first, others } = await nicesOf(server.pid)
  assert.equal(first, PRIORITY_ABOVE_NORMAL)
  assert.ok(others.length > 0)
  const { pid: postmaster } = await embeddedDatabase(dataDir)
  const backends = await childrenOf(postmaster!)
  assert.ok(backends.length > 0)
  const database = await Promise.all([postmaster, ...backends].map((pid) => niceOf(`/proc/${pid}`)))
  assert.deepEqual(new Set([...others, ...database]), new Set([PRIORITY_NORMAL]))
})

test('who may not go before others is a server as well', { skip: !isLinux || !canDropRight }, async (t) => {
  assert.ok(!runs(WITHOUT_RIGHT[0]!, ...WITHOUT_RIGHT.slice(1), process.execPath, ...RAISE))
  const server = await startUnder(t, WITHOUT_RIGHT)
  const { first } = await nicesOf(server.pid)
  assert.equal(first, PRIORITY_NORMAL)
  assert.deepEqual(
    server.log().filter(({ level }) => level > 30),
    [],
  )
})

test('a priority that somebody has chosen for the server stays', { skip: !isLinux }, async (t) => {
  const server = await startUnder(t, ['nice', '-n', '5'])
  assert.equal((await nicesOf(server.pid)).first, 5)
})
