/**
 * postgres.js, repaired while it is loaded. Version 3.4.9, the newest, does not survive the loss of a connection: a
 * statement after it ends the process (porsager/postgres#1208), bytes that were not sent yet keep the connection from
 * ever sending again (#1168), statements that are never answered stay and take the answers of later ones, and a
 * transaction that lost its connection goes on, with its ROLLBACK, on the connection that somebody else has by then.
 */
import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import type postgres from 'postgres'

type Repair = [found: string, repaired: string]

const CLOSED = "Errors.connection('CONNECTION_CLOSED', options)"

const REPAIRS: Record<string, Repair[]> = {
  'connection.js': [
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
  ],
  'index.js': [
    // A transaction ends with its connection, and asks it nothing more.
    [', connection\n      , prepare = null', ', connection\n      , lost = null\n      , prepare = null'],
    ['connection.onclose = reject)', 'connection.onclose = e => reject(lost = e))'],
    [
      'q.catch(e => uncaughtError || (uncaughtError = e))\n',
      'q.catch(e => uncaughtError || (uncaughtError = e))\n        if (lost)\n          return q.reject(lost)\n',
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
