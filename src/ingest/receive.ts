import { NIL as NIL_UUID, v7 as uuidv7 } from 'uuid'
import type { Delivery, QuarantinedBody } from '../access.ts'
import { readJsonBody } from '../adapters/json.ts'
import { RefusedToken } from '../auth/refused-token.ts'
import { type Caller, hasScope, mayWriteTo } from '../auth/token-book.ts'
import { invalidInput, TempoError, unauthorized } from '../errors.ts'
import type { IncomingEvent, JudgedEvent } from '../event.ts'
import type { Log } from '../log.ts'
import type { Catalog } from '../scores/catalog.ts'
import type { Accepted } from '../wire.ts'
import { judgeEvent } from './judge.ts'
import type { RateLimit } from './rate-limit.ts'

/** A dialect: turns a foreign request into one of our events. */
export type Dialect = {
  /** The provider that the body names, before anything else of it is checked. */
  claimedProvider: (value: Record<string, unknown>) => string | null
  /** Throws invalidInput with all that is wrong. `provider` is what the token adds when the body names none. */
  parse: (
    value: Record<string, unknown>,
    options: { now: Date; provider: string | null },
  ) => { event: IncomingEvent; warnings: string[] }
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
  idempotencyKey: string | null
  /** Reads the body; throws bodyTooLarge. Not called before the token is known to be good. */
  readBody: () => Promise<Uint8Array>
}

export type ReceiverDeps = {
  identify: (secret: string | null) => Promise<Caller>
  rateLimit: RateLimit
  catalog: () => Catalog
  write: (event: JudgedEvent) => Promise<Accepted>
  /** The first answer that this Idempotency-Key got, or null. */
  findAnswer: (tokenId: string, key: string) => Promise<Accepted | null>
  keepBody: (entry: QuarantinedBody) => Promise<void>
  record: (delivery: Delivery) => void
  now: () => Date
  log: Log
}

export type Receiver = {
  /** Takes one event in. Resolves when it is durable; throws a TempoError with the refusal. */
  receive: (attempt: Attempt) => Promise<Accepted>
  /** Takes in the repaired body of a quarantined one, as of the time it arrived; the caller must be an admin. */
  repair: (entry: QuarantinedBody, body: Uint8Array, dialect: Dialect) => Promise<Accepted>
}

/** What is known of an attempt so far; the delivery is made from it at the end, whatever the end is. */
type Progress = {
  caller: Caller | null
  /** A token that is known, but not in force any more. */
  refused: RefusedToken | null
  provider: string | null
  bytes: number | null
  quarantineId: string | null
}

/** Whose event it is; `provider` is what the payload may leave out. */
type Origin = {
  dialect: Dialect
  caller: Caller
  receivedAt: Date
  idempotency: Idempotency | null
  provider: string | null
}

type Idempotency = NonNullable<JudgedEvent['idempotency']>

const MAX_IDEMPOTENCY_KEY = 255

/** The one use case of ingestion: token, body, binding, validation, score, store; every end is recorded. */
export function createReceiver(deps: ReceiverDeps): Receiver {
  async function receive(attempt: Attempt): Promise<Accepted> {
    const receivedAt = deps.now()
    const started = performance.now()
    const progress: Progress = {
      caller: null,
      refused: null,
      provider: null,
      bytes: null,
      quarantineId: null,
    }
    try {
      const answer = await accept(attempt, receivedAt, progress)
      record(attempt, receivedAt, started, progress, 200, null, answer)
      return answer
    } catch (error) {
      if (error instanceof RefusedToken) progress.refused = error
      const status = error instanceof TempoError ? error.status : 500
      const reason = error instanceof TempoError ? error.code : 'internal'
      record(attempt, receivedAt, started, progress, status, reason, null)
      throw error
    }
  }

  async function accept(attempt: Attempt, receivedAt: Date, progress: Progress): Promise<Accepted> {
    const caller = await deps.identify(attempt.secret)
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
      return await store(
        body,
        {
          dialect: attempt.dialect,
          caller,
          receivedAt,
          idempotency,
          provider: boundProvider(caller.providers),
        },
        progress,
      )
    } catch (error) {
      if (!(error instanceof TempoError) || error.status !== 422) throw error
      throw await quarantine(error, attempt, caller, receivedAt, body, progress)
    }
  }

  /** A first look, so that a repeated key is answered whatever came with it; the store looks again under a lock. */
  async function findAnswer({ tokenId, key }: Idempotency): Promise<Accepted | null> {
    try {
      return await deps.findAnswer(tokenId, key)
    } catch (error) {
      deps.log.warn({ err: error }, 'an Idempotency-Key could not be looked up before storing')
      return null
    }
  }

  async function store(body: Uint8Array, origin: Origin, progress: Progress): Promise<Accepted> {
    const { dialect, caller, receivedAt, idempotency } = origin
    const { value, warnings } = readJsonBody(body)
    progress.provider = dialect.claimedProvider(value)
    if (progress.provider !== null) requireBinding(caller, progress.provider)
    const parsed = dialect.parse(value, { now: receivedAt, provider: origin.provider })
    progress.provider = parsed.event.provider
    requireBinding(caller, parsed.event.provider)
    deps.log.debug({ provider: parsed.event.provider }, 'payload valid')
    const all = [...warnings, ...parsed.warnings]
    const event = judgeEvent(deps.catalog(), parsed.event, {
      receivedAt,
      payload: value,
      warnings: all,
      idempotency,
    })
    deps.log.debug({ provider: event.provider, severity: event.severity, key: event.key }, 'event judged')
    const answer = await deps.write(event)
    deps.log.debug({ event: answer.id, stack: answer.stackId, created: answer.created }, 'event stored')
    return answer
  }

  async function quarantine(
    error: TempoError,
    attempt: Attempt,
    caller: Caller,
    receivedAt: Date,
    body: Uint8Array,
    progress: Progress,
  ): Promise<TempoError> {
    const id = uuidv7()
    const extra = { ...error.extra, quarantineId: id }
    const kept = new TempoError(error.code, error.status, error.title, error.message, {
      errors: error.errors,
      extra,
    })
    try {
      await deps.keepBody({
        id,
        receivedAt,
        path: attempt.path,
        address: attempt.address,
        contentType: attempt.contentType,
        tokenId: caller.tokenId,
        tokenName: caller.name,
        providers: [...caller.providers],
        body,
        bytes: body.byteLength,
        problem: { code: error.code, detail: error.message, errors: error.errors, ...error.extra },
      })
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

  function record(
    attempt: Attempt,
    receivedAt: Date,
    started: number,
    progress: Progress,
    status: number,
    reason: string | null,
    answer: Accepted | null,
  ): void {
    deps.record({
      id: uuidv7(),
      receivedAt,
      path: attempt.path,
      address: attempt.address,
      userAgent: attempt.userAgent?.slice(0, 200) ?? null,
      tokenId: progress.caller?.tokenId ?? progress.refused?.tokenId ?? null,
      tokenName: progress.caller?.name ?? progress.refused?.tokenName ?? null,
      provider: answer?.provider ?? progress.provider?.slice(0, 200) ?? null,
      status,
      reason,
      durationMs: performance.now() - started,
      bytes: progress.bytes,
      eventId: answer?.id ?? null,
      quarantineId: progress.quarantineId,
      authenticated: progress.caller !== null,
    })
  }

  function repair(entry: QuarantinedBody, body: Uint8Array, dialect: Dialect): Promise<Accepted> {
    const caller: Caller = { tokenId: NIL_UUID, name: entry.tokenName, scopes: ['admin'], providers: [] }
    const { receivedAt } = entry
    const origin = {
      dialect,
      caller,
      receivedAt,
      // Two who repair the same body at once make one event.
      idempotency: { tokenId: NIL_UUID, key: `quarantine ${entry.id}` },
      provider: boundProvider(entry.providers),
    }
    return store(body, origin, {
      caller,
      refused: null,
      provider: null,
      bytes: body.byteLength,
      quarantineId: entry.id,
    })
  }

  return { receive, repair }
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
