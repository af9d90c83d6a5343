/** Channels and their outbox on a database of their own, with a clock that a test moves by hand. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openVault } from '../../src/auth/vault.ts'
import { type ChannelBook, createChannelBook } from '../../src/dispatch/book.ts'
import type { JudgedEvent } from '../../src/event.ts'
import { silentLog } from '../../src/log.ts'
import { createOutgoing } from '../../src/notify/outgoing.ts'
import { createSend } from '../../src/notify/senders.ts'
import { createReleasers } from '../../src/releasers.ts'
import { createLibrary } from '../../src/scores/library.ts'
import { BUNDLED_DIR } from '../../src/scores/load.ts'
import { type Dispatch, openDispatch } from '../../src/start-dispatch.ts'
import { listChannels, listSilences } from '../../src/storage/channels.ts'
import type { Database } from '../../src/storage/database.ts'
import { storeEvents } from '../../src/storage/store-events.ts'
import type { Accepted } from '../../src/wire.ts'
import { type ChannelInput, ChannelInputSchema } from '../../src/wire-channels.ts'
import { createTestDatabase } from './database.ts'
import { judgedEvent, START } from './events.ts'

export type Desk = {
  db: Database
  book: ChannelBook
  dispatch: Dispatch
  /** Another server on the same database. */
  another: () => Dispatch
  /** Makes a channel that tells each event at once, unless `input` says otherwise; returns its id. */
  channel: (input: Partial<ChannelInput> & Record<string, unknown>) => Promise<string>
  /** Stores events as a server does. */
  store: (...events: Partial<JudgedEvent>[]) => Promise<Accepted[]>
  now: () => Date
  /** Moves the clock on, and lets the server look every `stepMs`. */
  pass: (ms: number, stepMs?: number) => Promise<void>
  /** Looks now, and waits until all is done. */
  look: () => Promise<void>
}

/** @param deadlineMs of one request */
export async function openDesk(t: TestContext, deadlineMs = 5_000): Promise<Desk> {
  const database = await createTestDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'tempo-desk-'))
  t.after(async () => {
    await database.drop()
    await rm(dataDir, { recursive: true, force: true })
  })
  const db = database.open()
  const vault = await openVault({ key: null, dataDir })
  const catalog = (await createLibrary({ bundledDir: BUNDLED_DIR, ownDir: null })).current().catalog
  let time = START
  const now = () => new Date(time)
  const another = () => {
    const book = createChannelBook({
      listChannels: () => listChannels(db),
      listSilences: () => listSilences(db),
      vault,
    })
    const dispatch = openDispatch({
      config: { publicUrl: 'https://tempo.example', privateTargets: 'allow' },
      ...{ db, vault, book, now },
      catalog: () => catalog,
      isAway: () => false,
      send: createSend(createOutgoing({ allowPrivate: true, deadlineMs })),
      log: silentLog,
      releasers: createReleasers(1_000),
    })
    return { book, dispatch }
  }
  const { book, dispatch } = another()
  const look = async () => {
    await dispatch.look()
    await dispatch.settle()
  }
  return {
    db,
    book,
    dispatch,
    another: () => {
      const other = another()
      return {
        ...other.dispatch,
        look: async () => {
          await other.book.reload()
          await other.dispatch.look()
        },
      }
    },
    channel: async (input) => {
      const wish = { groupWaitSeconds: 0, groupIntervalSeconds: 0, repeatMinutes: 0, ...input }
      const { id } = await dispatch.changes.create(ChannelInputSchema.parse(wish))
      await book.reload()
      return id
    },
    store: (...events) =>
      storeEvents(
        db,
        events.map((event) =>
          book.address(judgedEvent({ severity: 'error', startDate: now(), receivedAt: now(), ...event })),
        ),
      ),
    now,
    pass: async (ms, stepMs = ms) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        time += stepMs
        await look()
      }
    },
    look,
  }
}
