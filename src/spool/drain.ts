import { type FailureKind, TempoError } from '../errors.ts'
import type { JudgedEvent } from '../event.ts'
import type { Log } from '../log.ts'
import type { SpoolRecord } from './line.ts'
import type { Spool } from './spool.ts'

export type DrainOptions = {
  spool: Pick<Spool, 'take'>
  /** Rejects while the database can store nothing. */
  probe: () => Promise<void>
  /** Reads and judges a record anew; throws a TempoError when it is not understood any more. */
  revive: (record: SpoolRecord) => JudgedEvent
  /** Stores all or none, each at most once, whatever was tried with it before. */
  store: (events: JudgedEvent[]) => Promise<unknown>
  /** Puts a record into quarantine, at most once. */
  refuse: (record: SpoolRecord, problem: Record<string, unknown>) => Promise<void>
  kindOf: (error: unknown) => FailureKind
  /** Called when the database stores again. */
  onBack: () => void
  log: Log
  /** Milliseconds between two attempts while the database is away. */
  pauseMs?: number
  /** Milliseconds before each further attempt with a record that fails for an unknown reason; then it is given up. */
  retryMs?: number[]
}

export type Drain = {
  /** Begins, or goes on at once. */
  wake: () => void
  /** Resolves when nothing is under way any more. */
  stop: () => Promise<void>
}

const PAUSE_MS = 500
const RETRY_MS = [1_000, 2_000, 4_000, 8_000]
/** Events in one transaction at the most; fewer after one that had no answer in time. */
const MOST = 200

/** Why one record was not stored though others may be. */
class Failed extends Error {
  readonly record: SpoolRecord
  constructor(record: SpoolRecord, cause: unknown) {
    super('a record of the spool was not stored', { cause })
    this.record = record
  }
}

/** Stores what waits in the spool, in order, as soon as the database takes it; one lot after the other. */
export function createDrain(options: DrainOptions): Drain {
  const { spool, probe, revive, store, refuse, kindOf, onBack, log } = options
  const { pauseMs = PAUSE_MS, retryMs = RETRY_MS } = options
  const tries = new Map<string, number>()
  let most = MOST
  let running: Promise<void> | null = null
  let isStopping = false
  let isWoken = false
  let endPause = () => {}

  async function run(): Promise<void> {
    while (!isStopping) {
      isWoken = false
      const outcome = await step()
      if (outcome === 'empty' && !isWoken) return
      if (typeof outcome === 'number' && !isStopping) await pause(outcome)
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = null
      if (isWoken && !isStopping) start()
    })
  }

  /** A number: milliseconds after which a record is tried again. */
  async function step(): Promise<'empty' | 'stored' | number> {
    try {
      await probe()
    } catch (error) {
      log.debug({ err: error }, 'the spool waits for the database')
      return pauseMs
    }
    try {
      const lot = await spool.take()
      await storeLot(lot.records, lot.done)
      onBack()
      return lot.records.length > 0 ? 'stored' : 'empty'
    } catch (error) {
      return onFailure(error)
    }
  }

  function onFailure(error: unknown): number {
    const kind = kindOf(error)
    if (kind === 'away') return pauseMs
    onBack()
    if (!(error instanceof Failed) || kind === 'later') {
      log.warn({ err: error }, 'the spool could not be stored now; it will be tried again')
      return pauseMs
    }
    const { id } = error.record
    const before = tries.get(id) ?? 0
    tries.set(id, before + 1)
    log.error({ err: error.cause, id, tries: before + 1 }, 'a record of the spool could not be stored')
    return retryMs[before] ?? 0
  }

  async function storeLot(records: SpoolRecord[], done: (count: number) => Promise<void>): Promise<void> {
    for (let begun = 0; begun < records.length; ) {
      const from = begun
      const refused = records.findIndex(({ problem }, index) => index >= from && problem !== null)
      if (refused === from) await quarantine(records[from]!, records[from]!.problem!)
      else
        await storeRun(records.slice(from, refused < 0 ? undefined : refused), (count) => done(from + count))
      begun = refused === from ? from + 1 : refused < 0 ? records.length : refused
      await done(begun)
    }
  }

  async function storeRun(records: SpoolRecord[], done: (count: number) => Promise<void>): Promise<void> {
    for (let begun = 0; begun < records.length; ) {
      const from = begun
      const part = records.slice(from, from + most)
      await storePart(part, (count) => done(from + count))
      begun += part.length
      await done(begun)
    }
  }

  /** Together, and one by one when that fails for a reason that may lie in one of them. */
  async function storePart(records: SpoolRecord[], done: (count: number) => Promise<void>): Promise<void> {
    const revived = records.map(tryRevive)
    const events = revived.flatMap(({ event }) => event ?? [])
    if (events.length === records.length && records.length > 1) {
      try {
        await store(events)
        most = Math.min(most * 2, MOST)
        return
      } catch (error) {
        if (kindOf(error) === 'away') most = Math.max(1, Math.floor(records.length / 4))
        if (!['bad', 'unknown'].includes(kindOf(error))) throw error
      }
    }
    for (const [index, { event, problem }] of revived.entries()) {
      const record = records[index]!
      if (event) await storeOne(record, event)
      else await quarantine(record, problem)
      await done(index + 1)
    }
  }

  async function storeOne(record: SpoolRecord, event: JudgedEvent): Promise<void> {
    try {
      await store([event])
      most = Math.min(most * 2, MOST)
    } catch (error) {
      const kind = kindOf(error)
      const isHopeless = kind === 'unknown' && (tries.get(record.id) ?? 0) > retryMs.length
      if (kind !== 'bad' && !isHopeless) throw new Failed(record, error)
      await quarantine(record, {
        code: 'unstorable',
        detail: `The database refused it when it was back (${codeOf(error)}).`,
      })
    }
    tries.delete(record.id)
  }

  async function quarantine(record: SpoolRecord, problem: Record<string, unknown>): Promise<void> {
    try {
      await refuse(record, problem)
      if (record.problem === null)
        log.error({ id: record.id, code: problem.code }, 'an event of the spool went to quarantine')
    } catch (error) {
      const isHopeless = kindOf(error) === 'bad' || (tries.get(record.id) ?? 0) > retryMs.length
      if (!isHopeless) throw new Failed(record, error)
      log.error(
        { err: error, id: record.id, bytes: record.body.byteLength },
        'a body of the spool was not kept',
      )
    }
    tries.delete(record.id)
  }

  function tryRevive(
    record: SpoolRecord,
  ): { event: JudgedEvent; problem?: never } | { event: null; problem: Record<string, unknown> } {
    try {
      return { event: revive(record) }
    } catch (error) {
      if (error instanceof TempoError)
        return { event: null, problem: { code: error.code, detail: error.message, errors: error.errors } }
      log.error({ err: error, id: record.id }, 'an event of the spool is not understood any more')
      return {
        event: null,
        problem: { code: 'internal', detail: 'A fault of the server; the log says more.' },
      }
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  return {
    wake: () => {
      isWoken = true
      if (isStopping) return
      start()
    },
    stop: async () => {
      isStopping = true
      endPause()
      await running
    },
  }
}

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: unknown }
  return cause === undefined ? (code ?? 'unknown reason') : codeOf(cause)
}
