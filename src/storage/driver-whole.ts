/**
 * Repairs by which postgres.js sends several statements as one message and one transaction: only the last is followed by a
 * Sync, so that they run as one implicit transaction, which ends there (PostgreSQL, Frontend/Backend Protocol, Pipelining).
 * What is on its way is there whole or not at all, and the database answers once instead of after each statement, which
 * wakes both sides.
 */
export type Repair = [found: string, repaired: string]

/** What the driver executes as one; see `sendWhole`, which makes it. */
export type Whole = {
  /** Statements of the driver, made and not sent. */
  parts: PromiseLike<unknown>[]
  /** For an error that concerns none of them. */
  reject: (error: unknown) => void
  /** Where it was made, for the stacks of errors. */
  origin: string
}

/** For `connection.js`, behind the other repairs. */
export const IN_ONE_PIECE: Repair[] = [
  [
    '  function execute(q) {\n',
    `  function executeWhole(whole) {
    if (terminated || socket === null)
      return queryError(whole, Errors.connection('CONNECTION_CLOSED', options)), !terminated

    let bytes
    try {
      bytes = whole.parts.flatMap((q, i) => {
        q.state = backend
        q.isPart = true
        q.isInside = i < whole.parts.length - 1
        build(q)
        q.describeFirst = false
        const bind = Bind(q.parameters, q.statement.types, q.statement.name, q.cursorName)
        const end = q.isInside ? ExecuteUnnamed.subarray(0, -Sync.length) : ExecuteUnnamed
        return q.prepared ? [bind, end] : [describe(q), bind, end]
      })
    } catch (error) {
      query || write(Sync)
      return queryError(whole, error), true
    }
    whole.parts.forEach(q => query
      ? sent.push(q)
      : (query = q, q.active = true, answerTimer.start())
    )
    return write(Buffer.concat(bytes)) && sent.length < max_pipeline
  }

  function execute(q) {
    if (q.parts)
      return executeWhole(q)

`,
  ],
  // The answer of one that no Sync follows ends with its own completion.
  [
    'if (query.cursorFn) {\n      result.count && query.cursorFn(result)\n      write(Sync)\n    }\n',
    `if (query.cursorFn) {
      result.count && query.cursorFn(result)
      write(Sync)
    }

    if (query.isInside) {
      query.resolve(results || result)
      results = null
      result = new Result()
      query = sent.shift()
      query.active = true
    }
`,
  ],
  // A failure is that of all behind it, up to the Sync; the driver must not try the last of them again on its own.
  [
    'if (query) {\n      if (errorResponse) {\n',
    `if (query) {
      if (errorResponse) {
        if (query.isPart && retryRoutines.has(errorResponse.routine))
          statements = {}
        while (query.isInside) {
          queryError(query, errorResponse)
          query = sent.shift()
        }
`,
  ],
  [
    ': query.prepared && retryRoutines.has(errorResponse.routine)',
    ': !query.isPart && query.prepared && retryRoutines.has(errorResponse.routine)',
  ],
]
