import { NIL as NIL_UUID } from 'uuid'
import type { Delivery, QuarantinedBody } from '../access.ts'
import { readJsonBody } from '../adapters/json.ts'
import { RefusedToken } from '../auth/refused-token.ts'
import type { SignedBody } from '../auth/signature.ts'
import { type Caller, hasScope, mayWriteTo } from '../auth/token-book.ts'
import { invalidInput, TempoError, unauthorized } from '../errors.ts'
import type { IncomingEvent, JudgedEvent } from '../event.ts'
import type { Log } from '../log.ts'
import { newId } from '../new-id.ts'
import type { Catalog } from '../scores/catalog.ts'
import type { SpoolRecord } from '../spool/line.ts'
import type { Accepted, Spooled } from '../wire.ts'
import { judgeEvent } from './judge.ts'
import type { Keeper } from './keeper.ts'
import type { RateLimit } from './rate-limit.ts'

/** A dialect: turns a foreign request into one of our events. */
export type Dialect = {
  /** The provider that the body names, before anything else of it is checked. */
  claimedProvider: (value: Record<string, unknown>) => string | null
  /** Throws invalidInput with all that is wrong. `provider` is what the token adds when the body names none. */
  parse: (
    value: Record<string, unknown>,
    options: { now: Date; provider: string | null; defaults?: Readonly<Record<string, string>> | undefined },
  ) => {
    event: IncomingEvent
    warnings: string[]
    /** What is stored in the place of the body. */
    payload?: Record<string, unknown>
    /** The same for the same notification, by whatever way it comes. */
    fingerprint?: string
  }
}

/** A request on an ingest path, without knowledge of HTTP. */
export type Attempt = {
  dialect: Dialect
  path: string
  address: string
  userAgent: string | null
  contentType: string | null
  /** The token as sent. */
  secret: string | null
  /** Set on a path whose senders may sign the body. */
  signed?: SignedBody
  idempotencyKey: string | null
  /** Reads the body; throws bodyTooLarge. Not called before the token is known to be good. */
  readBody: () => Promise<Uint8Array>
}

export type ReceiverDeps = {
  identify: (secret: string | null, signed?: SignedBody) => Promise<Caller>
  rateLimit: RateLimit
  catalog: () => Catalog
  /** Stores in the database, or fails. */
  write: (event: JudgedEvent) => Promise<Accepted>
  /** Makes durable, in the database or on disk. */
  keeper: Pick<Keeper, 'keep' | 'spoolRefused' | 'findSpooled' | 'noteFailure'>
  /** The database is known to be away. */
  isAway: () => boolean
  /** The first answer that this Idempotency-Key got, or null. */
  findAnswer: (tokenId: string, key: string) => Promise<Accepted | null>
  keepBody: (entry: QuarantinedBody) => Promise<void>
  /** `isNew`: the delivery made an event, and neither updated nor repeated one. */
  record: (delivery: Delivery, isNew: boolean) => void
  now: () => Date
  log: Log
}

export type Receiver = {
  /** Takes one event in. Resolves when it is durable; throws a TempoError with the refusal. */
  receive: (attempt: Attempt) => Promise<Accepted | Spooled>
  /** Takes in the repaired body of a quarantined one, as of the time it arrived; the caller must be an admin. */
  repair: (entry: QuarantinedBody, body: Uint8Array, dialect: Dialect) => Promise<Accepted>
  /** Reads and judges anew what waited in the spool; throws a TempoError when it is not an event any more. */
  revive: (record: SpoolRecord, dialect: Dialect) => JudgedEvent
}

/** What is known of an attempt so far; the delivery is made from it at the end, whatever the end is. */
type Progress = {
  caller: Caller | null
  /** A token that is known, but not in force any more. */
  refused: RefusedToken | null
  provider: string | null
  bytes: number | null
  /** Of the event that was judged; an answer with another id is that to an earlier attempt. */
  eventId: string | null
  quarantineId: string | null
}

/** Whose event it is; `provider` is what the payload may leave out. */
type Origin = {
  dialect: Dialect
  caller: Caller
  receivedAt: Date
  idempotency: Idempotency | null
  provider: string | null
  /** Of an event that was answered already and waited in the spool. */
  id?: string
}

type Idempotency = NonNullable<JudgedEvent['idempotency']>

const MAX_IDEMPOTENCY_KEY = 255

/** The one use case of ingestion: token, body, binding, validation, score, store; every end is recorded. */
export function createReceiver(deps: ReceiverDeps): Receiver {
  async function receive(attempt: Attempt): Promise<Accepted | Spooled> {
    const receivedAt = deps.now()
    const started = performance.now()
    const progress: Progress = {
      caller: null,
      refused: null,
      provider: null,
      bytes: null,
      eventId: null,
      quarantineId: null,
    }
    try {
      const answer = await accept(attempt, receivedAt, progress)
      record(attempt, receivedAt, started, progress, 'spooled' in answer ? 202 : 200, null, answer)
      return answer
    } catch (error) {
      if (error instanceof RefusedToken) progress.refused = error
      const status = error instanceof TempoError ? error.status : 500
      const reason = error instanceof TempoError ? error.code : 'internal'
      record(attempt, receivedAt, started, progress, status, reason, null)
      throw error
    }
  }

  async function accept(attempt: Attempt, receivedAt: Date, progress: Progress): Promise<Accepted | Spooled> {
    const caller = await deps.identify(attempt.secret, attempt.signed)
    progress.caller = caller
    deps.log.debug({ token: caller.name, path: attempt.path }, 'token found')
    if (!hasScope(caller, 'ingest')) throw unauthorized('wrong_scope')
    deps.rateLimit(caller.tokenId)
    const body = await attempt.readBody()
    progress.bytes = body.byteLength
    try {
      const idempotency = readIdempotencyKey(attempt.idempotencyKey, caller)
      const before = idempotency && (await findAnswer(idempotency))
      if (before) return before
      const { dialect } = attempt
      const provider = boundProvider(caller.providers)
      const event = judge(body, { dialect, caller, receivedAt, idempotency, provider }, progress)
      progress.eventId = event.id
      const answer = await deps.keeper.keep(event, () => ({
        ...arrivalOf(attempt, caller, receivedAt, body),
        id: event.id,
        idempotencyKey: idempotency?.key ?? null,
        warnings: event.warnings,
        problem: null,
      }))
      deps.log.debug({ event: answer.id, spooled: 'spooled' in answer }, 'event is durable')
      return answer
    } catch (error) {
      if (!(error instanceof TempoError) || error.status !== 422) throw error
      throw await quarantine(error, attempt, caller, receivedAt, body, progress)
    }
  }

  /** A first look, so that a repeated key is answered whatever came with it; the store looks again under a lock. */
  async function findAnswer(idempotency: Idempotency): Promise<Accepted | Spooled | null> {
    const spooled = deps.keeper.findSpooled(idempotency)
    if (spooled) return spooled
    if (deps.isAway()) return null
    try {
      return await deps.findAnswer(idempotency.tokenId, idempotency.key)
    } catch (error) {
      deps.log.warn({ err: error }, 'an Idempotency-Key could not be looked up before storing')
      deps.keeper.noteFailure(error)
      return null
    }
  }

  function judge(body: Uint8Array, origin: Origin, progress: Pick<Progress, 'provider'>): JudgedEvent {
    const { dialect, caller, receivedAt, idempotency, id } = origin
    const { value, warnings } = readJsonBody(body)
    progress.provider = dialect.claimedProvider(value)
    if (progress.provider !== null) requireBinding(caller, progress.provider)
    const { defaults } = caller
    const parsed = dialect.parse(value, { now: receivedAt, provider: origin.provider, defaults })
    progress.provider = parsed.event.provider
    requireBinding(caller, parsed.event.provider)
    deps.log.debug({ provider: parsed.event.provider }, 'payload valid')
    const event = judgeEvent(deps.catalog(), parsed.event, {
      id: id ?? newId(),
      replay: id !== undefined,
      receivedAt,
      payload: parsed.payload ?? value,
      warnings: [...warnings, ...parsed.warnings],
      idempotency:
        idempotency ?? (parsed.fingerprint ? { tokenId: NIL_UUID, key: parsed.fingerprint } : null),
      defaults,
      cluster: caller.name,
    })
    deps.log.debug({ provider: event.provider, severity: event.severity, key: event.key }, 'event judged')
    return event
  }

  async function quarantine(
    error: TempoError,
    attempt: Attempt,
    caller: Caller,
    receivedAt: Date,
    body: Uint8Array,
    progress: Progress,
  ): Promise<TempoError> {
    const id = newId()
    const extra = { ...error.extra, quarantineId: id }
    const kept = new TempoError(error.code, error.status, error.title, error.message, {
      errors: error.errors,
      extra,
    })
    const arrival = { ...arrivalOf(attempt, caller, receivedAt, body), id }
    const problem = { code: error.code, detail: error.message, errors: error.errors, ...error.extra }
    try {
      await keepRefused(arrival, problem)
      progress.quarantineId = id
      return kept
    } catch (failure) {
      deps.log.error(
        { err: failure, token: caller.name, bytes: body.byteLength },
        'a refused body was not kept',
      )
      return error
    }
  }

  /** In quarantine, or in the spool while the database is away. */
  async function keepRefused(
    arrival: Omit<SpoolRecord, 'idempotencyKey' | 'warnings' | 'problem'>,
    problem: Record<string, unknown>,
  ): Promise<void> {
    if (!deps.isAway()) {
      try {
        await deps.keepBody({ ...arrival, bytes: arrival.body.byteLength, problem })
        return
      } catch (failure) {
        deps.keeper.noteFailure(failure)
      }
    }
    await deps.keeper.spoolRefused({ ...arrival, idempotencyKey: null, warnings: [], problem })
  }

  function record(
    attempt: Attempt,
    receivedAt: Date,
    started: number,
    progress: Progress,
    status: number,
    reason: string | null,
    answer: Accepted | Spooled | null,
  ): void {
    const delivery: Delivery = {
      id: newId(),
      receivedAt,
      path: attempt.path,
      address: attempt.address,
      userAgent: attempt.userAgent?.slice(0, 200) ?? null,
      tokenId: progress.caller?.tokenId ?? progress.refused?.tokenId ?? null,
      tokenName: progress.caller?.name ?? progress.refused?.tokenName ?? null,
      provider: (answer && 'provider' in answer ? answer.provider : progress.provider)?.slice(0, 200) ?? null,
      status,
      reason,
      durationMs: performance.now() - started,
      bytes: progress.bytes,
      eventId: answer?.id ?? null,
      quarantineId: progress.quarantineId,
      authenticated: progress.caller !== null,
    }
    const isNew = answer !== null && 'created' in answer && answer.created && answer.id === progress.eventId
    deps.record(delivery, isNew)
  }

  async function repair(entry: QuarantinedBody, body: Uint8Array, dialect: Dialect): Promise<Accepted> {
    const caller: Caller = {
      tokenId: NIL_UUID,
      name: entry.tokenName,
      scopes: ['admin'],
      providers: [],
      defaults: entry.defaults,
    }
    const { receivedAt } = entry
    const origin = {
      dialect,
      caller,
      receivedAt,
      // Two who repair the same body at once make one event.
      idempotency: { tokenId: NIL_UUID, key: `quarantine ${entry.id}` },
      provider: boundProvider(entry.providers),
    }
    return deps.write(judge(body, origin, { provider: null }))
  }

  function revive(record: SpoolRecord, dialect: Dialect): JudgedEvent {
    const { tokenId, tokenName, providers, defaults, idempotencyKey, receivedAt, id } = record
    const caller: Caller = {
      tokenId: tokenId ?? NIL_UUID,
      name: tokenName,
      scopes: ['ingest'],
      providers,
      defaults,
    }
    const idempotency = idempotencyKey === null ? null : { tokenId: caller.tokenId, key: idempotencyKey }
    const provider = boundProvider(providers)
    return judge(record.body, { dialect, caller, receivedAt, idempotency, provider, id }, { provider: null })
  }

  return { receive, repair, revive }
}

/** What is kept of a request, of an accepted one as of a refused one. */
function arrivalOf(
  { path, address, contentType }: Attempt,
  caller: Caller,
  receivedAt: Date,
  body: Uint8Array,
) {
  const { tokenId, name, providers, defaults = {} } = caller
  return {
    receivedAt,
    path,
    address,
    contentType,
    tokenId,
    tokenName: name,
    providers: [...providers],
    defaults: { ...defaults },
    body,
  }
}

/** The provider of a token that is bound to exactly one. */
function boundProvider(providers: readonly string[]): string | null {
  return providers.length === 1 ? providers[0]! : null
}

function requireBinding(caller: Caller, provider: string): void {
  if (mayWriteTo(caller, provider)) return
  throw unauthorized(
    'provider_not_bound',
    `This token is bound to ${caller.providers.join(', ')}, and the payload claims ${provider}. ` +
      'Use a token of that provider, or correct providerIdentifier.',
  )
}

function readIdempotencyKey(key: string | null, caller: Caller): Idempotency | null {
  const trimmed = key?.trim()
  if (!trimmed) return null
  if (trimmed.length > MAX_IDEMPOTENCY_KEY) {
    throw invalidInput('request', [
      { path: 'Idempotency-Key', message: `must have at most ${MAX_IDEMPOTENCY_KEY} characters` },
    ])
  }
  return { tokenId: caller.tokenId, key: trimmed }
}
