import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, type TestContext, test } from 'node:test'
import type { Log } from '../log.ts'
import type { SpoolHead, SpoolRecord } from './line.ts'
import { STALE_MS } from './owner.ts'
import { createSpool, type Spool } from './spool.ts'
import { spoolRecord } from './testing.ts'

const MIB = 1024 * 1024

async function makeFolder(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tempo-spool-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  return join(root, 'spool')
}

/** A spool, what it said, and what it found and let go. */
function open(folder: string, maxBytes = 64 * MIB) {
  const said: string[] = []
  const found: SpoolHead[] = []
  const gone: SpoolHead[] = []
  const say = (_: Record<string, unknown>, message: string) => void said.push(message)
  const log: Log = { debug() {}, info: say, warn: say, error: say, fatal: say }
  const onFound = (head: SpoolHead) => void found.push(head)
  const onDone = (head: SpoolHead) => void gone.push(head)
  const spool = createSpool({ folder, maxBytes, log, onFound, onDone })
  opened.push(spool)
  return { spool, said, found, gone }
}

const opened: Spool[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((spool) => spool.close()))
})

/** As a process does that is killed: nothing of it lives, and its files stay as they are. */
async function leave(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.endsWith('.owner')) await rm(join(folder, name))
}

async function adopted(folder: string, maxBytes?: number) {
  const next = open(folder, maxBytes)
  await next.spool.adopt()
  return next
}

async function takeAll(spool: Spool): Promise<SpoolRecord[]> {
  const all: SpoolRecord[] = []
  for (let lot = await spool.take(); lot.records.length > 0; lot = await spool.take()) {
    all.push(...lot.records)
    await lot.done(lot.records.length)
  }
  return all
}

const ids = (records: { id: string }[]) => records.map(({ id }) => id)

async function segments(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.spool')).map((name) => join(folder, name))
}

async function fill(spool: Spool, count: number, given: Partial<SpoolRecord> = {}): Promise<SpoolRecord[]> {
  const records = Array.from({ length: count }, () => spoolRecord(given))
  for (const record of records) await spool.append(record)
  return records
}

test('what is appended is taken in order, and then the folder is empty', async (t) => {
  const folder = await makeFolder(t)
  const { spool, gone } = open(folder)
  const records = Array.from({ length: 500 }, (_, n) => spoolRecord({ body: Buffer.from(`{"n":${n}}`) }))
  await Promise.all(records.map(spool.append))
  const { depth, oldest, bytes } = spool.state()
  assert.deepEqual([depth, oldest], [500, records[0]!.receivedAt])
  assert.equal(bytes, (await stat((await segments(folder))[0]!)).size)
  assert.deepEqual(await takeAll(spool), records)
  assert.deepEqual(ids(gone), ids(records))
  assert.deepEqual(await readdir(folder), [])
  assert.deepEqual(spool.state(), { depth: 0, oldest: null, bytes: 0 })
})

test('a look at the folder while records wait counts nothing that goes with them', async (t) => {
  const folder = await makeFolder(t)
  const { spool } = open(folder)
  const records = await fill(spool, 3)
  const lot = await spool.take()
  await lot.done(1)
  await spool.adopt()
  assert.equal(spool.state().bytes, (await stat((await segments(folder))[0]!)).size)
  await lot.done(3)
  assert.deepEqual([ids(lot.records), await readdir(folder)], [ids(records), []])
  assert.deepEqual(spool.state(), { depth: 0, oldest: null, bytes: 0 })
})

test('nothing is on disk while nothing is to be kept', async (t) => {
  const folder = await makeFolder(t)
  const { spool } = await adopted(folder)
  assert.deepEqual(await spool.take().then(({ records }) => records), [])
  await spool.close()
  await assert.rejects(readdir(folder), { code: 'ENOENT' })
})

test('the files are for their owner alone', async (t) => {
  const folder = await makeFolder(t)
  await fill(open(folder).spool, 1)
  for (const name of await readdir(folder)) {
    assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name)
  }
})

test('what is not done is taken again, by the same process and by the next', async (t) => {
  const folder = await makeFolder(t)
  const { spool } = open(folder)
  const records = await fill(spool, 5)
  await (await spool.take()).done(2)
  assert.deepEqual(ids((await spool.take()).records), ids(records.slice(2)))
  assert.equal(spool.state().depth, 3)
  await leave(folder)
  const next = await adopted(folder)
  assert.deepEqual([ids(next.found), next.spool.state().depth], [ids(records.slice(2)), 3])
  assert.deepEqual(await takeAll(next.spool), records.slice(2))
  assert.deepEqual(await readdir(folder), [])
})

test('without the note of the progress all is taken again', async (t) => {
  const folder = await makeFolder(t)
  const { spool } = open(folder)
  const records = await fill(spool, 3)
  await (await spool.take()).done(2)
  const note = (await readdir(folder)).find((name) => name.endsWith('.progress'))!
  for (const text of ['', '  12', 'rubbish', '99999999999999\n']) {
    await writeFile(join(folder, note), text)
    await leave(folder)
    assert.deepEqual(ids((await adopted(folder)).found), ids(records), JSON.stringify(text))
  }
})

test('a torn last line is set aside, and what stands before it is read', async (t) => {
  const folder = await makeFolder(t)
  const records = await fill(open(folder).spool, 3)
  const [path] = await segments(folder)
  await truncate(path!, (await stat(path!)).size - 5)
  await leave(folder)
  const { spool, said } = await adopted(folder)
  assert.equal(spool.state().depth, 2)
  const later = await fill(spool, 1)
  assert.deepEqual(await takeAll(spool), [...records.slice(0, 2), ...later])
  assert.ok(said.some((line) => /last line of the spool is not whole/.test(line)))
  assert.deepEqual(
    (await readdir(folder)).map((name) => name.split('.').at(-1)),
    ['damaged'],
  )
})

test('a damaged line in the middle is set aside for a person to look at, and all others are read', async (t) => {
  const folder = await makeFolder(t)
  const records = await fill(open(folder).spool, 700)
  const [path] = await segments(folder)
  const bytes = await readFile(path!)
  const length = bytes.length / 700
  for (const line of [0, 300, 699]) bytes[line * length + 200]! ^= 1
  await writeFile(path!, bytes)
  await leave(folder)
  const { spool, said } = await adopted(folder)
  assert.equal(spool.state().depth, 697)
  const expected = records.filter((_, index) => ![0, 300, 699].includes(index))
  assert.deepEqual(await takeAll(spool), expected)
  const left = await readdir(folder)
  assert.ok(left.every((name) => name.endsWith('.damaged')))
  assert.equal(said.filter((line) => /set aside/.test(line)).length, 3)
  const aside = await Promise.all(left.map((name) => readFile(join(folder, name))))
  assert.equal(
    aside.reduce((sum, { length }) => sum + length, 0),
    3 * length,
  )
})

test('a file with nothing but rubbish holds up no other', async (t) => {
  const folder = await makeFolder(t)
  await mkdir(folder)
  await writeFile(join(folder, `${spoolRecord().id}.${'0'.repeat(16)}.spool`), Buffer.alloc(300_000))
  const { spool } = await adopted(folder)
  const records = await fill(spool, 2)
  assert.deepEqual(await takeAll(spool), records)
})

test('beyond its bound it takes nothing more, and again when there is room', async (t) => {
  const folder = await makeFolder(t)
  const { spool, said } = open(folder, 10_000)
  const body = Buffer.alloc(1_000, 'x')
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => spool.append(spoolRecord({ body }))),
  )
  const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.ok(refused.length > 0 && refused.length < 20)
  for (const { reason } of refused) assert.deepEqual([reason.status, reason.retryAfter], [503, 5])
  assert.equal(said.filter((line) => /the spool is full/.test(line)).length, 1)
  assert.ok(spool.state().bytes <= 10_000)
  assert.equal((await takeAll(spool)).length, 20 - refused.length)
  await fill(spool, 1)
  assert.ok(await spool.isTaking())
})

test('refused bodies fill a part of it only', async (t) => {
  const { spool } = open(await makeFolder(t), 10_000)
  const body = Buffer.alloc(1_000, 'x')
  await assert.rejects(fill(spool, 20, { body, problem: { code: 'x' } }), { status: 503 })
  await fill(spool, 3, { body })
})

test('very long bodies go through', async (t) => {
  const folder = await makeFolder(t)
  const { spool } = open(folder)
  const long = spoolRecord({ body: Buffer.alloc(8 * MIB, 'long') })
  const records = [spoolRecord(), long, spoolRecord()]
  await Promise.all(records.map(spool.append))
  await leave(folder)
  assert.deepEqual(ids(await takeAll((await adopted(folder)).spool)), ids(records))
})

test('a long spool is many files, each given back when it is done', async (t) => {
  const folder = await makeFolder(t)
  const { spool } = open(folder, 128 * MIB)
  const records = await fill(spool, 40, { body: Buffer.alloc(MIB, 'x') })
  const before = (await segments(folder)).length
  assert.ok(before > 2)
  const taken: string[] = []
  while ((await segments(folder)).length === before) {
    const lot = await spool.take()
    taken.push(...ids(lot.records))
    await lot.done(lot.records.length)
  }
  assert.ok(spool.state().bytes < 48 * MIB)
  taken.push(...ids(await takeAll(spool)))
  assert.deepEqual(taken, ids(records))
})

test('of a living process nothing is taken over, of a dead one everything, once', async (t) => {
  const folder = await makeFolder(t)
  const records = await fill(open(folder).spool, 10)
  assert.equal((await adopted(folder)).spool.state().depth, 0)
  await leave(folder)
  const heirs = await Promise.all([adopted(folder), adopted(folder), adopted(folder)])
  assert.deepEqual(heirs.map(({ spool }) => spool.state().depth).sort(), [0, 0, 10])
  const all = await Promise.all(heirs.map(({ spool }) => takeAll(spool)))
  assert.deepEqual(ids(all.flat()), ids(records))
})

test('a process counts as dead when it ended, when its pid is another’s, and when it is silent elsewhere', async (t) => {
  const { pid } = spawnSync('true')
  const self = { pid: process.pid, started: 'long ago', machine: 'set below' }
  const cases: [object, isDead: boolean][] = [
    [{ pid }, true],
    [self, process.platform === 'linux'],
    [{ machine: 'another container' }, false],
  ]
  for (const [identity, isDead] of cases) {
    const folder = await makeFolder(t)
    await fill(open(folder).spool, 1)
    const [name] = (await readdir(folder)).filter((name) => name.endsWith('.owner'))
    const lock = join(folder, name!)
    const own = JSON.parse(await readFile(lock, 'utf8'))
    await writeFile(
      lock,
      JSON.stringify({
        ...own,
        ...identity,
        machine: 'machine' in identity && identity !== self ? identity.machine : own.machine,
      }),
    )
    assert.equal((await adopted(folder)).spool.state().depth, isDead ? 1 : 0, JSON.stringify(identity))
    if (isDead) continue
    const past = new Date(Date.now() - STALE_MS - 1_000)
    await utimes(lock, past, past)
    assert.equal(
      (await adopted(folder)).spool.state().depth,
      'machine' in identity && identity !== self ? 1 : 0,
    )
  }
})

test('a process that was taken for dead writes to a new file, and nothing that it confirms is lost', async (t) => {
  const folder = await makeFolder(t)
  const paused = open(folder)
  const before = await fill(paused.spool, 2)
  await leave(folder)
  const heir = await adopted(folder)
  const after = await fill(paused.spool, 2)
  assert.deepEqual(ids(await takeAll(paused.spool)), ids(after))
  // The line that was added to the lost file may be there too; its id tells.
  const inherited = ids(await takeAll(heir.spool))
  assert.deepEqual(
    inherited.filter((id) => !ids(after).includes(id)),
    ids(before),
  )
  assert.ok(paused.said.some((line) => /taken for dead/.test(line)))
})

test('a file that vanishes is told of, and holds up no other', async (t) => {
  const folder = await makeFolder(t)
  const { spool, said } = open(folder)
  await fill(spool, 2)
  await rename((await segments(folder))[0]!, join(folder, 'elsewhere'))
  assert.deepEqual(await takeAll(spool), [])
  assert.ok(said.some((line) => /is gone/.test(line)))
  assert.equal((await fill(spool, 1)).length, (await takeAll(spool)).length)
})

/** A disk of its own, so small that it is full soon; undefined where we may not make one. */
async function mountDisk(t: TestContext, bytes: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'tempo-disk-'))
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]).status === 0
  t.after(async () => {
    if (isMounted) execFileSync('umount', ['--lazy', folder])
    await rm(folder, { recursive: true })
  })
  return isMounted ? folder : undefined
}

test('a full disk refuses events, harms none that were accepted, and takes others when there is room', async (t) => {
  const folder = await mountDisk(t, 256 * 1024)
  if (!folder) return t.skip('mounting a small disk needs root')
  const { spool, said } = open(folder)
  await writeFile(join(folder, 'other'), Buffer.alloc(128 * 1024))
  const body = Buffer.alloc(3_000, 'x')
  const records = Array.from({ length: 100 }, () => spoolRecord({ body }))
  const accepted: SpoolRecord[] = []
  for (const record of records) {
    await spool.append(record).then(
      () => accepted.push(record),
      (error) => assert.deepEqual([error.status, error.retryAfter], [503, 5]),
    )
  }
  assert.ok(accepted.length > 5 && accepted.length < 100)
  assert.equal(said.filter((line) => /cannot be written to/.test(line)).length, 1)
  assert.equal(spool.state().depth, accepted.length)
  await rm(join(folder, 'other'))
  accepted.push(...(await fill(spool, 5, { body })))
  await leave(folder)
  const next = await adopted(folder)
  assert.deepEqual(await takeAll(next.spool), accepted)
  assert.ok(!next.said.some((line) => /set aside/.test(line)))
})

test('a disk that becomes read-only refuses events, and what is there can be read', async (t) => {
  const folder = await mountDisk(t, MIB)
  if (!folder) return t.skip('mounting a disk needs root')
  const { spool } = open(folder)
  const records = await fill(spool, 2)
  await spool.close()
  const next = await adopted(folder)
  assert.ok(await next.spool.isTaking())
  execFileSync('mount', ['-o', 'remount,ro', folder])
  assert.ok(!(await next.spool.isTaking()))
  await assert.rejects(next.spool.append(spoolRecord()), { status: 503 })
  assert.deepEqual((await next.spool.take()).records, records)
  execFileSync('mount', ['-o', 'remount,rw', folder])
  records.push(...(await fill(next.spool, 1)))
  assert.deepEqual(await takeAll(next.spool), records)
})

test('a folder that cannot be made is told to the sender, and tried again', async (t) => {
  const folder = await makeFolder(t)
  await writeFile(folder, '')
  const { spool } = open(folder)
  await assert.rejects(spool.append(spoolRecord()), { status: 503, message: /EEXIST|ENOTDIR/ })
  assert.ok(!(await spool.isTaking()))
  await rm(folder)
  await fill(spool, 1)
  await appendFile(join(folder, 'a stranger’s file'), 'x')
  assert.equal((await takeAll(spool)).length, 1)
})
