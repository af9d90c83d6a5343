/** The PostgreSQL of the distribution, which most who run one of their own have, in a cluster of the benchmark's own. */
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { childOptions, run, type SystemUser, spawnChild } from '../src/storage/embedded-process.ts'
import { chooseDatabaseUser } from '../src/storage/embedded-user.ts'
import { findProgram } from './child.ts'
import { CannotRun } from './contender.ts'
import { asAdmin, type BenchPostgres, benchPostgres } from './postgres.ts'

/** Where Debian and its like keep the programs of each major version. */
const VERSIONS = '/usr/lib/postgresql'
const READY_MS = 30_000

/** The folder of the newest server that is installed. */
function findPrograms(): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : []
  const newest = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(VERSIONS, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')))
  const inPath = findProgram('initdb')
  return newest ?? (inPath && dirname(inPath))
}

/** Starts it in `dataDir` with its default settings; undefined when none is installed. */
export async function startInstalled(dataDir: string): Promise<BenchPostgres | undefined> {
  const programs = findPrograms()
  if (!programs) return undefined
  const user = process.getuid?.() === 0 ? await chooseDatabaseUser(() => {}) : undefined
  if (user) await chown(dataDir, user.uid, user.gid)
  const cluster = join(dataDir, 'postgres')
  const flags = ['-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8']
  const made = await run(join(programs, 'initdb'), ['-D', cluster, ...flags], { user })
  if (!made.ok)
    throw new CannotRun(`initdb has failed, and --postgres packaged does without:\n${made.output}`)
  const { pid, stop } = await startCluster(join(programs, 'postgres'), dataDir, cluster, user)
  return benchPostgres({ url: urlOf(dataDir), pid, stop })
}

const urlOf = (socketDir: string) => `postgres://postgres@localhost:5432/postgres?host=${socketDir}`

/** Reached by a socket in `dataDir` only. */
async function startCluster(
  program: string,
  dataDir: string,
  cluster: string,
  user: SystemUser | undefined,
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const logFile = join(dataDir, 'postgres.log')
  const output = openSync(logFile, 'a')
  const args = ['-D', cluster, '-k', dataDir, '-c', 'listen_addresses=', '-c', 'port=5432']
  const options = { ...childOptions(user, dataDir), stdio: ['ignore' as const, output, output] }
  const child = spawnChild(program, args, options, () => {})
  closeSync(output)
  if (!child?.pid) throw new Error(`${program} cannot be started`)
  const exited = once(child, 'exit')
  const deadline = Date.now() + READY_MS
  while (!(await isReady(dataDir))) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${program} does not answer:\n${readFileSync(logFile, 'utf8')}`)
    await delay(50)
  }
  const stop = async () => {
    child.kill('SIGINT')
    await exited
  }
  return { pid: child.pid, stop }
}

async function isReady(socketDir: string): Promise<boolean> {
  try {
    await asAdmin({ url: urlOf(socketDir) }, (sql) => sql`SELECT 1`)
    return true
  } catch {
    return false
  }
}
