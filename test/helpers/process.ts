/** The command `tempo` as a process of its own. Whatever a test starts here ends with the test, however that ends. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { adminTokenPath } from '../../src/admin-token.ts'
import type { DatabaseTarget } from '../../src/storage/database.ts'
import { locate, SOCKET_PORT } from '../../src/storage/embedded-folder.ts'
import { findPostmaster, stopPostmaster } from '../../src/storage/embedded-postmaster.ts'
import { eventually } from './server.ts'

export const CLI = fileURLToPath(new URL('../../src/tempo.js', import.meta.url))

export type Env = Record<string, string>
export type Exit = { code: number | null; signal: NodeJS.Signals | null }
export type LogEntry = { level: number; msg: string; [fact: string]: unknown }
export type Finished = Exit & { stdout: string; stderr: string; ms: number }

type Child = {
  env: Env
  process: ChildProcessWithoutNullStreams
  stdout: () => string
  stderr: () => string
  exited: Promise<Exit>
}

export type ServerProcess = {
  pid: number
  url: string
  dataDir: string
  /** The token of the file `admin-token`; empty when there is none. */
  adminToken: string
  /** Lines of the log so far. */
  log: () => LogEntry[]
  stdout: () => string
  stderr: () => string
  kill: (signal: NodeJS.Signals) => void
  exited: Promise<Exit>
}

/** A PostgreSQL starts in under two seconds; this is for a machine that does much else. */
const START_MS = 60_000
const COMMAND_MS = 60_000

const running = new Set<Child>()
const dataDirs = new Set<string>()

after(() => {
  for (const child of running) child.process.kill('SIGKILL')
})
// The end of a run that is given up, where no hook of a test runs any more.
process.once('SIGTERM', () => process.exit(143))
process.on('exit', () => {
  for (const child of running) child.process.kill('SIGKILL')
  for (const dataDir of dataDirs) killPostmaster(dataDir)
})

function killPostmaster(dataDir: string): void {
  try {
    process.kill(
      Number.parseInt(readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8'), 10),
      'SIGQUIT',
    )
  } catch {
    // There is none.
  }
}

/** What a process sees of our environment: nothing that would configure it. */
function environment(env: Env): Env {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, TEMPO_HOST: '127.0.0.1', ...env }
}

function start(command: string, args: string[], env: Env, cwd?: string): Child {
  const process = spawn(command, args, { env: environment(env), ...(cwd && { cwd }) })
  const read = (stream: NodeJS.ReadableStream) => {
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    return () => text
  }
  // Closed by a process that does not read it, which its exit code tells.
  process.stdin.on('error', () => {})
  const exited = once(process, 'close').then(([code, signal]) => ({ code, signal }) as Exit)
  const child = { env, process, stdout: read(process.stdout), stderr: read(process.stderr), exited }
  running.add(child)
  exited.then(() => running.delete(child))
  return child
}

/** Runs `tempo` with these arguments to its end. */
export async function tempo(
  args: string[],
  env: Env = {},
  { input = '', cwd }: { input?: string; cwd?: string } = {},
): Promise<Finished> {
  return finish(start(process.execPath, [CLI, ...args], env, cwd), input)
}

/** Runs any program to its end. */
export async function runProgram(command: string, args: string[], env: Env = {}): Promise<Finished> {
  return finish(start(command, args, env), '')
}

async function finish(child: Child, input: string): Promise<Finished> {
  const begun = performance.now()
  const timer = setTimeout(() => child.process.kill('SIGKILL'), COMMAND_MS)
  child.process.stdin.end(input)
  const exit = await child.exited
  clearTimeout(timer)
  return { ...exit, stdout: child.stdout(), stderr: child.stderr(), ms: performance.now() - begun }
}

/**
 * Starts `tempo serve` on a free port and waits until it listens; fails with its output when it ends before. `under`: a
 * program with its arguments that becomes the server, such as `nice`.
 */
export async function startServer(t: TestContext, env: Env, under: string[] = []): Promise<ServerProcess> {
  const server = launchServer(t, env, under)
  await server.listening
  return { ...server, url: server.url(), adminToken: await readAdminToken(server.dataDir) }
}

/** Starts `tempo serve` without waiting for it. */
export function launchServer(t: TestContext, env: Env, under: string[] = []) {
  const dataDir = env.TEMPO_DATA_DIR
  if (!dataDir) throw new Error('a server of a test needs a TEMPO_DATA_DIR of its own')
  const [command, ...args] = [...under, process.execPath, CLI, 'serve']
  const child = start(command!, args, { TEMPO_PORT: '0', ...env })
  t.after(async () => {
    child.process.kill('SIGKILL')
    await child.exited
  })
  const log = () => readLog(child.stdout())
  const port = () => log().find(({ msg }) => msg === 'listening')?.port
  const listening = Promise.race([
    eventually(port, START_MS).then(() => {}),
    child.exited.then(({ code, signal }) => {
      throw new Error(`the server ended (${code ?? signal}):\n${child.stdout()}${child.stderr()}`)
    }),
  ])
  listening.catch(() => {})
  return {
    pid: child.process.pid!,
    dataDir,
    log,
    listening,
    url: () => `http://127.0.0.1:${port()}`,
    stdout: child.stdout,
    stderr: child.stderr,
    kill: (signal: NodeJS.Signals) => void child.process.kill(signal),
    exited: child.exited,
  }
}

/** The entries of whole lines; the last may be under way. */
function readLog(stdout: string): LogEntry[] {
  const lines = stdout.split('\n').slice(0, -1)
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
}

export async function readAdminToken(dataDir: string): Promise<string> {
  return (await readFile(adminTokenPath(dataDir), 'utf8').catch(() => '')).trim()
}

/** A data folder that is removed with the test, together with a database that still runs in it. */
export async function makeDataDir(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tempo-process-'))
  // PostgreSQL, which as root runs as another user, must be able to pass.
  await chmod(root, 0o755)
  const dataDir = join(root, 'data')
  dataDirs.add(dataDir)
  t.after(async () => {
    const users = Array.from(running).filter(({ env }) => env.TEMPO_DATA_DIR === dataDir)
    for (const { process } of users) process.kill('SIGKILL')
    await Promise.all(users.map(({ exited }) => exited))
    // Not a folder at all in tests of that.
    await stopPostmaster(await locate(dataDir), () => {}).catch(() => {})
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
    dataDirs.delete(dataDir)
  })
  return dataDir
}

/** Where the embedded database of a data folder answers, and the process that it is. */
export async function embeddedDatabase(
  dataDir: string,
): Promise<{ target: DatabaseTarget; pid: number | undefined }> {
  const place = await locate(dataDir)
  const postmaster = await findPostmaster(place)
  const host = postmaster?.socketDir ?? place.socketDir
  return { target: { host, port: SOCKET_PORT, user: 'tempo', database: 'tempo' }, pid: postmaster?.pid }
}
