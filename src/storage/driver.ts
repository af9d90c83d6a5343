/**
 * postgres.js, repaired while it is loaded. Version 3.4.9, the newest, does not survive the loss of a connection: a
 * statement after it ends the process (porsager/postgres#1208), bytes that were not sent yet keep the connection from
 * ever sending again (#1168), statements that are never answered stay and take the answers of later ones, and a
 * transaction that lost its connection goes on, with its ROLLBACK, on the connection that somebody else has by then.
 * Nor does it leave a server that hangs, or that has become a standby.
 */
import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import type postgres from 'postgres'
import { IN_ONE_PIECE, type Repair } from './driver-whole.ts'

const CLOSED = "Errors.connection('CONNECTION_CLOSED', options)"

/** Seconds beyond \`statement_timeout\` after which a server without a word is given up. */
const SILENCE_S = 2
/** SQLSTATE read_only_sql_transaction (PostgreSQL, Appendix A). */
const READ_ONLY = '25006'
/** SQLSTATE query_canceled. */
const CANCELED = '57014'

/** Bytes of statements after which they are sent at once, and not with the others of the same turn: copying costs more. */
const GATHERED_BYTES = 16 * 1024

/**
 * Option of `begin`: the first statements go out together with the BEGIN and save its round trip. They must only read
 * and lock, or ask whether what was locked is held (`LOCKED` of series.ts): should the BEGIN be refused, they run outside
 * of a transaction, and everything after their answers fails.
 */
export const AHEAD = 'ahead'

/** Places of a queue that were taken, at the most. */
const QUEUE_REST = 1_024

/**
 * A function literal that is assigned to a property is allocated among old objects (V8, `FunctionLiteral::set_pretenure`),
 * where only a whole collection of garbage finds it, and it keeps all that it reaches: here a statement with its parameters
 * and rows, or a transaction. So such functions get a name first.
 */
const REPAIRS: Record<string, Repair[]> = {
  'connection.js': [
    // A statement must not lie here until the one before is answered (Nagle's algorithm, RFC 9293, 3.7.4).
    ["x.on('drain', drain)\n", "x.on('drain', drain)\n    x.setNoDelay(true)\n"],
    // What was not sent is dropped with the connection.
    [
      'clearImmediate(nextWriteTimer)\n    if (socket) {',
      'clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    if (socket) {',
    ],
    [
      'clearImmediate(nextWriteTimer)\n    socket.removeListener',
      'clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener',
    ],
    // Every statement without an answer fails, also one that came between the error and the end of the connection.
    [
      "!hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))",
      `errored(${CLOSED})
    while (sent.length)
      queryError(sent.shift(), ${CLOSED})
    query = results = errorResponse = null
    result = new Result()`,
    ],
    // A statement on a connection that is gone fails.
    [
      "if (terminated)\n      return queryError(q, Errors.connection('CONNECTION_DESTROYED', options))\n",
      `if (terminated)\n      return queryError(q, Errors.connection('CONNECTION_DESTROYED', options))
    if (socket === null)
      return queryError(q, ${CLOSED}), true\n`,
    ],
    ['const x = socket.write(chunk, fn)', 'const x = socket !== null && socket.write(chunk, fn)'],
    // What a new connection asks first for itself may fail with it, and that is nobody's to hear but the statement's.
    ['return fetchArrayTypes()', 'return fetchArrayTypes().catch(() => {})'],
    // What nobody writes to any more is not copied.
    ['Buffer.concat([chunk, x]) : Buffer.from(x)', 'Buffer.concat([chunk, x]) : x'],
    // What is asked in one turn goes out in one write: waking the server costs more than what it is told.
    ['if (fn || chunk.length >= 1024)', `if (fn || chunk.length >= ${GATHERED_BYTES})`],
    // A connection that cannot be opened by the function \`socket\` is free for the next attempt, after a pause.
    [
      '} catch (e) {\n      error(e)\n      return\n    }\n    x.on',
      `} catch (e) {
      error(e)
      closedTime = performance.now()
      delay = (typeof backoff === 'function' ? backoff(++options.shared.retries) : backoff) * 1000
      ended && (ended(), ending = ended = null)
      onclose(connection, e)
      return
    }
    x.on`,
    ],
    // One that opens when the pool has ended meanwhile is not used.
    [
      'if (!socket)\n      return\n\n    connectTimer',
      'if (!socket)\n      return\n\n    if (terminated)\n      return socket.destroy()\n\n    connectTimer',
    ],
    // A server that owes an answer and says nothing, though its own deadline has passed, is given up with the connection.
    [
      ', connectTimer = timer(connectTimedOut, options.connect_timeout)',
      `, connectTimer = timer(connectTimedOut, options.connect_timeout)
      , answerTimer = timer(
        () => socket && socket.destroy(Errors.connection('ETIMEDOUT', options, socket)),
        options.connection.statement_timeout && options.connection.statement_timeout / 1000 + ${SILENCE_S}
      )`,
    ],
    [': (query = q, query.active = true)\n', ': (query = q, query.active = true, answerTimer.start())\n'],
    ['function data(x) {\n', 'function data(x) {\n    query && answerTimer.start()\n'],
    [
      'return // Consider opening if able and sent.length < 50\n',
      'return // Consider opening if able and sent.length < 50\n\n    answerTimer.cancel()\n',
    ],
    [
      'connectTimer.cancel()\n\n    socket.removeAll',
      'connectTimer.cancel()\n    answerTimer.cancel()\n\n    socket.removeAll',
    ],
    // A commit that stopped waiting for the synchronous standby is there on the primary only, and no success.
    [
      'function NoticeResponse(x) {\n',
      `function NoticeResponse(x) {
    const notice = parseError(x)
    if (query && notice.routine === 'SyncRepWaitForLSN')
      errorResponse = Errors.postgres({ ...notice, code: '${CANCELED}' })
`,
    ],
    // A server that refuses to write is not asked again: the next statement connects anew, to the primary.
    [
      'query = results = errorResponse = null\n    result = new Result()\n    connectTimer.cancel()\n',
      `const isReadOnly = errorResponse && errorResponse.code === '${READ_ONLY}'
    query = results = errorResponse = null
    result = new Result()
    connectTimer.cancel()
    if (isReadOnly)
      return socket.destroy()
`,
    ],
    ...IN_ONE_PIECE,
  ],
  'query.js': [
    [
      'this.resolve = x => (this.active = false, resolve(x))\n    this.reject = x => (this.active = false, reject(x))',
      `const resolveOnce = x => (this.active = false, resolve(x))
    const rejectOnce = x => (this.active = false, reject(x))
    this.resolve = resolveOnce
    this.reject = rejectOnce`,
    ],
  ],
  'queue.js': [
    // What was taken leaves its place in a queue that is never empty.
    [
      'xs[index - 1] = undefined\n',
      `xs[index - 1] = undefined
        if (index === ${QUEUE_REST})
          xs = xs.slice(index), index = 0
`,
    ],
  ],
  'index.js': [
    // A transaction ends with its connection, or with its COMMIT, and asks nothing more.
    [
      ', connection\n      , prepare = null',
      ', connection\n      , lost = null\n      , last = null\n      , take\n      , taken = new Promise(r => take = r)\n      , prepare = null',
    ],
    [
      "await sql.unsafe('begin ' + options.replace(/[^a-z ]/ig, ''), [], { onexecute }).execute()",
      `const isAhead = options === '${AHEAD}'
      const begun = sql.unsafe('begin ' + (isAhead ? '' : options.replace(/[^a-z ]/ig, '')), [], { onexecute }).execute()
      begun.catch(e => lost = e)
      await (isAhead ? Promise.race([begun, taken]) : begun)
      isAhead && connection.queue === full && move(connection, reserved)`,
    ],
    ['connection = c\n      move(c, reserved)', 'connection = c\n      take()\n      move(c, reserved)'],
    [': await sql`commit`', ': await (last = sql`commit`)'],
    [
      'new Promise((_, reject) => connection.onclose = reject)',
      `new Promise((_, reject) => {
          const onclose = e => reject(lost = e)
          connection.onclose = onclose
        })`,
    ],
    ['sql.prepare = x => prepare', 'const prepareAs = x => prepare'],
    [
      '      let uncaughtError\n        , result\n',
      '      sql.prepare = prepareAs\n      let uncaughtError\n        , result\n',
    ],
    [
      'c.reserved = () => queries.length\n        ? c.execute(queries.shift())\n        : move(c, reserved)',
      `const next = () => queries.length
        ? c.execute(queries.shift())
        : move(c, reserved)
      c.reserved = next`,
    ],
    [
      'q.catch(e => uncaughtError || (uncaughtError = e))\n',
      `q.catch(e => uncaughtError || (uncaughtError = e))
        if (lost || last && q !== last)
          return q.reject(lost || Errors.generic('TRANSACTION_ENDED', 'A statement came after the COMMIT'))
`,
    ],
  ],
}

/** Fails when the text is not the one that the repairs were made for: then see whether they are needed still. */
export function repair(file: string, source: string): string {
  return REPAIRS[file]!.reduce((text, [found, repaired]) => {
    if (text.split(found).length !== 2) {
      throw new Error(
        `postgres.js has changed: ${file} has not once ${JSON.stringify(found)}; look at src/storage/driver.ts`,
      )
    }
    return text.replace(found, () => repaired)
  }, source)
}

/** The build for `require`, which nobody else loads: it cannot be there before it is repaired. */
function loadRepaired(): typeof postgres {
  const require = createRequire(import.meta.url)
  const folder = new URL('.', pathToFileURL(require.resolve('postgres'))).href
  const hooks = registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context)
      const file = url.startsWith(folder) ? url.slice(folder.length) : ''
      return file in REPAIRS ? { ...loaded, source: repair(file, String(loaded.source)) } : loaded
    },
  })
  try {
    return require('postgres')
  } finally {
    hooks.deregister()
  }
}

/** Makes a client, as the default export of the package does. */
export const createPostgres = loadRepaired()
