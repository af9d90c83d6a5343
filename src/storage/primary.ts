/**
 * Several servers of which one takes writes. postgres.js would try them in turn without end and without a pause, take a
 * hot standby for `read-write`, and wait for the timeout of a dead host again and again; here all are asked at once.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { DatabaseUrl, Host } from './database-url.ts'
import { createPostgres } from './driver.ts'

/** Milliseconds that a server may take to say what it is, and to take a connection. */
const ASK_MS = 3_000
/** Milliseconds that the others are waited for when one was found: of two primaries the promoted one is right. */
const GRACE_MS = 300

type Answer = { host: Host; isStandby: boolean; isReadOnly: boolean; timeline: number }
type Failure = { host: Host; error: unknown }

export type Primary = {
  /** A connection to the server that is the primary now, before anything was said on it. */
  openSocket: () => Promise<Socket>
}

/**
 * Asks anew for each connection who the primary is; connections wanted at the same time share the answer. When it is
 * another one than before, the connections to the old one are closed: nobody reads or listens there any more.
 */
export function createPrimary({ hosts, session, common }: DatabaseUrl): Primary {
  const open = new Map<Socket, Host>()
  let finding: Promise<Host> | null = null

  const isTaken = (answer: Answer) => !answer.isStandby && !(session === 'read-write' && answer.isReadOnly)

  async function find(): Promise<Host> {
    const { answers, failures } = await askAll(common, hosts, isTaken)
    const [found] = answers
      .filter(isTaken)
      .sort((a, b) => b.timeline - a.timeline || hosts.indexOf(a.host) - hosts.indexOf(b.host))
    if (!found) throw noPrimary(answers, failures)
    return found.host
  }

  async function current(): Promise<Host> {
    finding ??= find().finally(() => {
      finding = null
    })
    const host = await finding
    for (const [socket, other] of open) if (other !== host) socket.destroy(moved(other, host))
    return host
  }

  return {
    openSocket: async () => {
      const host = await current()
      const socket = await connectTo(host)
      open.set(socket, host)
      socket.once('close', () => open.delete(socket))
      return socket
    },
  }
}

/** Resolves when all have answered or failed, or soon after the first answer that is wanted. */
function askAll(
  common: string,
  hosts: Host[],
  isWanted: (answer: Answer) => boolean,
): Promise<{ answers: Answer[]; failures: Failure[] }> {
  return new Promise((resolve) => {
    const answers: Answer[] = []
    const failures: Failure[] = []
    const finish = () => resolve({ answers, failures })
    for (const host of hosts) {
      ask(common, host)
        .then(
          (answer) => {
            answers.push(answer)
            if (isWanted(answer)) setTimeout(finish, GRACE_MS)
          },
          (error) => {
            failures.push({ host, error })
          },
        )
        .finally(() => {
          if (answers.length + failures.length === hosts.length) finish()
        })
    }
  })
}

/** Asks one server what it is, on a connection of its own, which is gone afterwards whatever happens. */
async function ask(common: string, host: Host): Promise<Answer> {
  let socket: Socket | undefined
  const openOnce = async () => {
    if (socket) throw failure('ECONNRESET', `${nameOf(host)} closed the connection`)
    socket = await connectTo(host)
    return socket
  }
  // The types of the package do not know this option.
  const options = {
    socket: openOnce,
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    connect_timeout: ASK_MS / 1_000,
  }
  const sql = createPostgres(common, {
    ...options,
    connection: { application_name: 'tempo find', statement_timeout: ASK_MS },
  })
  const timer = setTimeout(() => socket?.destroy(noAnswer(host)), ASK_MS)
  try {
    // The control file says which timeline a promotion has begun, even before the first checkpoint on it.
    const [row] = await sql<Omit<Answer, 'host'>[]>`
      SELECT pg_is_in_recovery() AS "isStandby", current_setting('transaction_read_only')::bool AS "isReadOnly",
             greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                      (SELECT min_recovery_end_timeline FROM pg_control_recovery())) AS timeline`
    return { host, ...row! }
  } finally {
    clearTimeout(timer)
    await sql.end({ timeout: 0 })
    socket?.destroy()
  }
}

/** Connects within the time that {@link ASK_MS} gives, by TCP or to a Unix socket. */
async function connectTo(to: Host): Promise<Socket> {
  const { host, port } = to
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  // One that breaks before the driver has it would otherwise end the process.
  socket.on('error', () => {})
  const timer = setTimeout(() => socket.destroy(noAnswer(to)), ASK_MS)
  try {
    await once(socket, 'connect')
  } finally {
    clearTimeout(timer)
  }
  // Where the driver takes the name for TLS from.
  return Object.assign(socket, host.startsWith('/') ? {} : { host, port })
}

const nameOf = ({ host, port }: Host): string => `${host}:${port}`

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

const noAnswer = (host: Host): Error => failure('ETIMEDOUT', `${nameOf(host)} did not answer in ${ASK_MS} ms`)

const moved = (from: Host, to: Host): Error =>
  failure('ECONNRESET', `${nameOf(from)} is not the primary any more, ${nameOf(to)} is`)

/** When all failed for one reason, that is the reason. SQLSTATE 57P03: cannot connect now (PostgreSQL, Appendix A). */
function noPrimary(answers: Answer[], failures: Failure[]): unknown {
  const codes = failures.map(({ error }) => (error as { code?: string }).code ?? 'no connection')
  if (answers.length === 0 && new Set(codes).size === 1) return failures[0]!.error
  const states = [
    ...answers.map(({ host, isStandby }) => `${nameOf(host)} is ${isStandby ? 'a standby' : 'read-only'}`),
    ...failures.map(({ host }, index) => `${nameOf(host)} answers ${codes[index]}`),
  ]
  const error = failure('57P03', `no server takes writes: ${states.join(', ')}`)
  return Object.assign(error, { severity: 'FATAL' })
}
