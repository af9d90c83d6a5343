/** Databases with something of every kind in them, and what shows that two hold the same. */
import { hash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { makeToken } from '../../src/auth/secret.ts'
import type { JudgedEvent } from '../../src/event.ts'
import { type BackupSummary, backupDatabase } from '../../src/storage/backup/backup.ts'
import { openBackup } from '../../src/storage/backup/load.ts'
import { type RestoreSummary, restoreDatabase } from '../../src/storage/backup/restore.ts'
import { readShapes, TABLES } from '../../src/storage/backup/tables.ts'
import { insertSilence, saveChannel } from '../../src/storage/channels.ts'
import type { Database, DatabaseTarget } from '../../src/storage/database.ts'
import { insertDeliveries } from '../../src/storage/deliveries.ts'
import { parkGuest } from '../../src/storage/guests.ts'
import { keepBody } from '../../src/storage/quarantine.ts'
import { keepScore } from '../../src/storage/scores.ts'
import { storeEvents } from '../../src/storage/store-events.ts'
import { insertToken, revokeToken } from '../../src/storage/tokens.ts'
import { triageEvents, triageStacks } from '../../src/storage/triage.ts'
import { beat, setRhythm } from '../../src/storage/watching.ts'
import { chunkOf, plainDelivery } from './deliveries.ts'
import { at, HOUR, judgedEvent, MINUTE } from './events.ts'

/** What `COPY` writes in a way of its own, and what looks like its marks. */
export const AWKWARD = [
  'Ünïcode 日本語 🙂 \u{10ffff}',
  'tab\tnewline\nreturn\r\ncontrols\u0001\u0007\b\f\v\u001b\u007f',
  'C:\\N\\.\\n\\\\',
  '\\.',
  '\\N',
  '\n\\.\n',
  ' ',
  '{"table":"events","columns":["id"]}',
]

/** Fills a database with sessions, updates, moves, states, refused bodies, scores, tokens and awkward texts. */
export async function fillDatabase(db: Database): Promise<void> {
  const store = (...events: Partial<JudgedEvent>[]) => storeEvents(db, events.map(judgedEvent))
  for (const [index, text] of AWKWARD.entries()) {
    await store({
      title: text,
      subtitle: index % 2 ? text : '',
      key: `key ${text}`,
      node: index % 3 ? text : null,
      tags: ['', text, 'NULL', '{"a,b"}'],
      metadata: { [text]: text, empty: '', none: null, list: [text, 1e300, -0.1] },
      payload: { text, deep: { text: [text] } },
      indicator: { emoji: '🙂', color: null },
    })
  }
  const far = ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z']
  for (const date of far) await store({ startDate: new Date(date), endDate: new Date(date), windowMs: null })
  for (const role of ['opens', 'continues', 'closes'] as const) {
    const minutes = { opens: 1, continues: 5, closes: 9 }[role] * MINUTE
    const session = { key: 'session', role, currentState: true, closedSeverity: 'warning' as const }
    await store({ ...session, startDate: at(minutes), severity: 'critical', stackTitle: `now ${role}` })
  }
  await store(
    { externalID: 'moved', key: 'grows', progress: null },
    { externalID: 'two\nlines', key: 'grows' },
  )
  await store({ externalID: 'moved', key: 'grows', startDate: at(3 * HOUR), title: 'moved' })
  const states = await store({ key: 'acked' }, { key: 'dismissed' }, { key: 'half' }, { key: 'half' })
  await triageStacks(db, 'ack', [states[0]!.stackId])
  await triageStacks(db, 'dismiss', [states[1]!.stackId])
  await triageEvents(db, 'ack', [states[2]!.id])
  await keepScore(db, {
    provider: 'com.example',
    source: `{"providerIdentifier": "com.example",\r\n\t"displayName": "Mine \\u005c. 日本語"}\n`,
    updatedAt: at(0),
    updatedBy: 'admin',
  })
  await receive(db)
}

/** Tokens of every kind, deliveries and refused bodies. */
async function receive(db: Database): Promise<void> {
  const wish = { scopes: ['ingest' as const], providers: ['com.example'], expiresAt: null }
  const { token } = makeToken({ ...wish, name: "it's mine\n" })
  await insertToken(db, token)
  await insertToken(db, makeToken({ ...wish, name: 'past', expiresAt: new Date(0) }).token)
  const revoked = makeToken({ ...wish, name: 'revoked' }).token
  await insertToken(db, revoked)
  await revokeToken(db, revoked.id)
  const idempotency = { tokenId: token.id, key: 'once' }
  const [stored] = await storeEvents(db, [judgedEvent({ title: 'repeated', idempotency })])
  const quarantineId = uuidv7()
  const place = { receivedAt: at(1), path: '/ingest', address: '2001:db8::1' }
  await keepBody(
    db,
    {
      id: quarantineId,
      ...place,
      contentType: null,
      tokenId: token.id,
      tokenName: token.name,
      providers: [],
      defaults: {},
      body: Uint8Array.from({ length: 256 }, (_, byte) => byte),
      bytes: 256,
      problem: { detail: 'no JSON: \\u0000', code: 'invalid_json' },
    },
    { rows: 10, bytes: 1e6 },
  )
  const delivery = {
    ...place,
    userAgent: null,
    tokenId: token.id,
    tokenName: token.name,
    provider: 'com.example',
    bytes: null,
    authenticated: true,
  }
  await fillGuests(db)
  await fillChannels(db)
  const crowd = Array.from({ length: 250 }, (_, n) =>
    plainDelivery(at(n), { userAgent: AWKWARD[n % AWKWARD.length]! }),
  )
  await insertDeliveries(
    db,
    [
      { ...delivery, id: uuidv7(), status: 422, reason: '', durationMs: 1 / 3, eventId: null, quarantineId },
      {
        ...delivery,
        ...{ id: uuidv7(), status: 200, reason: null, durationMs: 1e-9 },
        ...{ eventId: stored!.id, quarantineId: null },
      },
    ],
    [chunkOf(crowd)],
  )
}

/** A channel with a secret, and a silence. */
async function fillChannels(db: Database): Promise<void> {
  const head = { name: 'Óps 日本', type: 'slack' as const, enabled: true, managedBy: 'api' as const }
  const times = { createdAt: at(0), updatedAt: at(1) }
  const secrets = Uint8Array.from({ length: 64 }, (_, byte) => 255 - byte)
  await saveChannel(db, { id: uuidv7(), ...head, settings: { events: ['a'], match: [] }, secrets, ...times })
  const scope = {
    channels: [uuidv7()],
    providers: ['com.proxmox'],
    nodes: ['pve*'],
    vmids: [],
    match: [{ a: 1 }],
  }
  const span = { from: at(0), to: at(2), createdBy: 'test', createdAt: at(0) }
  await insertSilence(db, { id: uuidv7(), reason: 'moving', ...span, ...scope })
}

/** A report with its guests, a failed replication, a parked guest, a rhythm and a heartbeat. */
async function fillGuests(db: Database): Promise<void> {
  const reported = judgedEvent({ provider: 'com.proxmox', title: 'vzdump backup status' })
  const backup = {
    ...{ cluster: 'lab', node: 'pve1', name: 'wéb\t01\\', durationSeconds: 7, jobId: 'backup-1' },
    ...{ startedAt: at(1), file: null, log: 'line one\nline two' },
  }
  const backups = [
    { ...backup, id: uuidv7(), eventId: reported.id, vmid: '100', status: 'ok' as const, sizeBytes: 2 ** 40 },
    {
      ...backup,
      id: uuidv7(),
      eventId: reported.id,
      vmid: '101',
      status: 'failed' as const,
      sizeBytes: null,
    },
  ]
  const head = { cluster: 'lab', node: 'pve1', jobId: 'backup-1', incomplete: false, reason: null }
  await storeEvents(db, [
    { ...reported, report: { ...head, startedAt: at(0), endedAt: at(2), backups } },
    judgedEvent({
      provider: 'com.proxmox',
      severity: 'error',
      episode: { does: 'fails', key: 'replication pve1 100-0', jobId: '100-0' },
    }),
  ])
  await parkGuest(db, { cluster: 'lab', vmid: '100', reason: 'moving', by: 'test', from: at(0), to: null })
  await setRhythm(db, {
    cluster: 'lab',
    jobId: 'backup-1',
    rhythm: 'every 24h',
    by: 'test',
    updatedAt: at(0),
  })
  await beat(db, uuidv7(), at(0), at(1))
}

/** SHA-256 of all rows of each table, whatever their order, without the columns that differ in each database. */
export async function digests(db: Database): Promise<Record<string, string>> {
  const result: Record<string, string> = {}
  for (const { name, sql, columns } of (await readShapes(db.read, [...TABLES.keys()])).values()) {
    const row = columns.map((column) => `t."${column}"`).join(', ')
    const [sum] = await db.read.unsafe<{ count: string; sum: string }[]>(`
      SELECT count(*)::text AS count,
             encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY digest), '')), 'hex') AS sum
      FROM (SELECT sha256(convert_to(ROW(${row})::text, 'UTF8')) AS digest FROM ${sql} t) rows`)
    result[name] = `${sum!.count} ${sum!.sum}`
  }
  return result
}

type BackupWishes = { withSecrets?: boolean; withDeliveries?: boolean }

/** A backup in memory, not compressed. */
export async function backupOf(
  target: DatabaseTarget,
  { withSecrets = true, withDeliveries = true }: BackupWishes = {},
): Promise<BackupSummary & { bytes: Buffer }> {
  const blocks: Buffer[] = []
  const options = { version: '0.0.0', withSecrets, withDeliveries, onProgress: () => {} }
  const summary = await backupDatabase(target, options, async (given) => {
    for await (const block of given) blocks.push(Buffer.from(block))
  })
  return { ...summary, bytes: Buffer.concat(blocks) }
}

/** Restores what {@link backupOf} gave, handed out in blocks of a size that cuts rows. */
export async function restoreFrom(
  target: DatabaseTarget,
  bytes: Buffer,
  replace = false,
): Promise<RestoreSummary> {
  async function* blocks() {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
  }
  return restoreDatabase(target, await openBackup(blocks()), { replace, onProgress: () => {} })
}

/** The same backup with other content, and with a checksum that fits it. */
export function forged(bytes: Buffer, change: (text: string) => string): Buffer {
  const text = change(bytes.toString())
  const end = text.lastIndexOf('\n', text.length - 2) + 1
  const footer = { ...JSON.parse(text.slice(end)), sha256: hash('sha256', text.slice(0, end)) }
  return Buffer.from(`${text.slice(0, end)}${JSON.stringify(footer)}\n`)
}
