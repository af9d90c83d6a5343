import { type FailureKind, unstorable } from '../errors.ts'
import type { JudgedEvent } from '../event.ts'
import type { Log } from '../log.ts'
import type { SpoolHead, SpoolRecord } from '../spool/line.ts'
import type { Accepted, Spooled } from '../wire.ts'
import type { Outage } from './outage.ts'

type Idempotency = NonNullable<JudgedEvent['idempotency']>

export type KeeperDeps = {
  /** Stores in the database; resolves when it is durable there, as {@link refuseBadRows} does. */
  write: (event: JudgedEvent) => Promise<Accepted>
  /** Resolves when the record is on disk; throws unavailable. */
  append: (record: SpoolRecord) => Promise<void>
  kindOf: (error: unknown) => FailureKind
  /** Called when something waits in the spool, and when the database has gone. */
  wake: () => void
  outage: Outage
  log: Log
}

export type Keeper = {
  /** Makes an event durable: in the database, or in the spool while that cannot take it, as the record made then. */
  keep: (event: JudgedEvent, makeRecord: () => SpoolRecord) => Promise<Accepted | Spooled>
  /** Makes a refused body durable in the spool. */
  spoolRefused: (record: SpoolRecord) => Promise<void>
  /** The answer that was given under a key whose event still waits in the spool. */
  findSpooled: (idempotency: Idempotency) => Promise<Spooled> | null
  /** To be told what waits in the spool from an earlier process, and what waits no more. */
  noteFound: (head: SpoolHead) => void
  noteDone: (head: SpoolHead) => void
  /** To be told of a failure of the database met elsewhere. */
  noteFailure: (error: unknown) => void
}

/** Keeps the promise of an answer, whatever the database does. */
export function createKeeper({ write, append, kindOf, wake, outage, log }: KeeperDeps): Keeper {
  const keys = new Map<string, { id: string; answer: Promise<Spooled> }>()

  function findSpooled(idempotency: Idempotency): Promise<Spooled> | null {
    return keys.get(nameOf(idempotency))?.answer ?? null
  }

  async function keep(event: JudgedEvent, makeRecord: () => SpoolRecord): Promise<Accepted | Spooled> {
    const before = event.idempotency && findSpooled(event.idempotency)
    if (before) return before
    if (outage.isAway()) return spool(makeRecord())
    try {
      return await write(event)
    } catch (error) {
      if (kindOf(error) === 'bad') throw error
      noteFailure(error)
    }
    return spool(makeRecord())
  }

  function noteFailure(error: unknown): void {
    const kind = kindOf(error)
    if (kind === 'away') outage.begin(error)
    else log[kind === 'later' ? 'debug' : 'error']({ err: error }, 'an event could not be stored now')
    wake()
  }

  function spool(record: SpoolRecord): Promise<Spooled> {
    const name = nameOfHead(record)
    // Two with one key may both have waited for the database.
    const before = name && keys.get(name)
    if (before) return before.answer
    const answer = append(record).then((): Spooled => {
      wake()
      return { id: record.id, spooled: true, warnings: record.warnings }
    })
    if (name) {
      keys.set(name, { id: record.id, answer })
      answer.catch(() => forget(name, record.id))
    }
    return answer
  }

  function forget(name: string, id: string): void {
    if (keys.get(name)?.id === id) keys.delete(name)
  }

  return {
    keep,
    spoolRefused: async (record) => {
      await append(record)
      wake()
    },
    findSpooled,
    noteFound: (head) => {
      const name = nameOfHead(head)
      const answer: Spooled = { id: head.id, spooled: true, warnings: head.warnings }
      if (name && !keys.has(name)) keys.set(name, { id: head.id, answer: Promise.resolve(answer) })
    },
    noteDone: (head) => {
      const name = nameOfHead(head)
      if (name) forget(name, head.id)
    },
    noteFailure,
  }
}

/**
 * Writes, and answers 422 for an event that the database refuses for good. The log gets no text of the database's,
 * which may repeat the event's.
 */
export function refuseBadRows(
  write: (event: JudgedEvent) => Promise<Accepted>,
  {
    kindOf,
    codeOf,
    log,
  }: {
    kindOf: (error: unknown) => FailureKind
    codeOf: (error: unknown) => string | undefined
    log: Log
  },
): (event: JudgedEvent) => Promise<Accepted> {
  const refuse = (error: unknown): never => {
    if (kindOf(error) !== 'bad') throw error
    const code = codeOf(error)
    log.error({ code }, 'the database refuses an event; its body goes to quarantine')
    throw unstorable(`SQLSTATE ${code}`, error)
  }
  return (event) => write(event).catch(refuse)
}

function nameOf({ tokenId, key }: Idempotency): string {
  return `${tokenId} ${key}`
}

/** Refused bodies have no answer that could be given again. */
function nameOfHead({ tokenId, idempotencyKey, problem }: SpoolHead): string | null {
  if (problem !== null || tokenId === null || idempotencyKey === null) return null
  return nameOf({ tokenId, key: idempotencyKey })
}
