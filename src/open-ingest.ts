import { join } from 'node:path'
import type { Config } from './config.ts'
import type { JudgedEvent } from './event.ts'
import { createKeeper, type Keeper, refuseBadRows } from './ingest/keeper.ts'
import { createOutage } from './ingest/outage.ts'
import { createReceiver, type Dialect, type Receiver, type ReceiverDeps } from './ingest/receive.ts'
import { createWriter } from './ingest/writer.ts'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { createDrain } from './spool/drain.ts'
import { createSpool, type Spool } from './spool/spool.ts'
import { type Database, withWriteDeadline } from './storage/database.ts'
import { codeOf, failureKind } from './storage/failures.ts'
import { findAnswer } from './storage/kept-answers.ts'
import { probeWrites } from './storage/probe.ts'
import { keepBody } from './storage/quarantine.ts'
import { storeEvents } from './storage/store-events.ts'

export type OpenIngestOptions = {
  config: Config
  db: Database
  /** The dialect of an ingest path. */
  dialectOf: (path: string) => Dialect
  /** The event with the channels that it is told to. */
  address: (event: JudgedEvent) => JudgedEvent
  now: () => Date
  log: Log
  releasers: Releasers
}

export type Ingest = {
  spool: Spool
  /** Stores an event of the server's own in the database, or fails. */
  write: (event: JudgedEvent) => Promise<unknown>
  /** Events go to the spool: the database is away, or not ready yet. */
  isAway: () => boolean
  /** The database is ready: what waits is stored, and what comes goes there. */
  goLive: () => void
  receiver: (deps: Pick<ReceiverDeps, 'identify' | 'rateLimit' | 'catalog' | 'record'>) => Receiver
}

/** What a lot of the spool may take: most of its time nobody waits for it. */
const DRAIN_DEADLINE_MS = 15_000
const ASK_DEADLINE_MS = 2_000
const ADOPT_EVERY_MS = 5_000

/** Where the spool is. */
export function spoolDir({ spoolDir, dataDir }: Pick<Config, 'spoolDir' | 'dataDir'>): string {
  return spoolDir ?? join(dataDir, 'spool')
}

/** Puts together what keeps an event: the writer, the spool, and what brings the one to the other. */
export async function openIngest({
  config,
  db,
  dialectOf,
  address,
  now,
  log,
  releasers,
}: OpenIngestOptions): Promise<Ingest> {
  const { writeDeadlineMs } = config
  const askDeadlineMs = Math.min(ASK_DEADLINE_MS, writeDeadlineMs)
  const bounds = { rows: config.quarantineMaxBodies, bytes: config.quarantineMaxBytes }
  const outage = createOutage(log, now)
  let keeper: Keeper | undefined
  let receiver: Receiver | undefined
  let isReady = false
  const store = (batch: JudgedEvent[]) => storeEvents(db, batch.map(address))

  const spool = createSpool({
    folder: spoolDir(config),
    maxBytes: config.spoolMaxBytes,
    log,
    onFound: (head) => keeper?.noteFound(head),
    onDone: (head) => keeper?.noteDone(head),
  })
  const drain = createDrain({
    spool,
    probe: () => probeWrites(db),
    revive: (record) => receiver!.revive(record, dialectOf(record.path)),
    store: (events) => withWriteDeadline(db, DRAIN_DEADLINE_MS, 'storing what waited', () => store(events)),
    refuse: ({ idempotencyKey: _key, warnings: _warnings, ...record }, problem) =>
      keep({ ...record, problem, bytes: record.body.byteLength }, DRAIN_DEADLINE_MS),
    kindOf: failureKind,
    onBack: outage.end,
    log,
  })
  const wake = () => {
    // What waits is read again by the receiver, which is there a moment after the database.
    if (isReady && receiver) drain.wake()
  }
  const writer = createWriter({
    store: (batch) => withWriteDeadline(db, writeDeadlineMs, 'storing events', () => store(batch)),
    isPassing: (error) => ['away', 'later'].includes(failureKind(error)),
    maxBatch: config.writeBatch,
    maxWaitMs: writeDeadlineMs,
  })
  const write = refuseBadRows(writer.write, { kindOf: failureKind, codeOf, log })
  keeper = createKeeper({ write, append: spool.append, kindOf: failureKind, wake, outage, log })

  function keep(entry: Parameters<typeof keepBody>[1], ms: number): Promise<void> {
    return withWriteDeadline(db, ms, 'keeping a refused body', () => keepBody(db, entry, bounds))
  }

  async function adopt(): Promise<void> {
    await spool.adopt()
    if (spool.state().depth > 0) wake()
  }

  await adopt().catch((error) => log.error({ err: error }, 'the spool cannot be read'))
  const timer = setInterval(() => {
    adopt().catch((error) => log.warn({ err: error }, 'the spool could not be looked through'))
  }, ADOPT_EVERY_MS)
  releasers.add('spool', async () => {
    clearInterval(timer)
    await spool.close()
  })
  releasers.add('writer', writer.drain)
  releasers.add('drain of the spool', drain.stop)

  return {
    spool,
    write,
    isAway: outage.isAway,
    goLive: () => {
      isReady = true
      outage.end()
      wake()
    },
    receiver: (deps) => {
      receiver = createReceiver({
        ...deps,
        write,
        keeper: keeper!,
        isAway: outage.isAway,
        findAnswer: (tokenId, key) =>
          withWriteDeadline(db, askDeadlineMs, 'looking up an Idempotency-Key', () =>
            findAnswer(db, tokenId, key),
          ),
        keepBody: (entry) => keep(entry, askDeadlineMs),
        now,
        log,
      })
      wake()
      return receiver
    },
  }
}
