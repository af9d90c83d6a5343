/**
 * Holds what migrations promise: they lead to the schema of the code, and one that is in the history never changes,
 * since some database has run it already. Run by `npm run check:migrations`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

const DRIZZLE_KIT = fileURLToPath(new URL('../node_modules/drizzle-kit/bin.cjs', import.meta.url))
const FOLDER = 'drizzle'
const JOURNAL = `${FOLDER}/meta/_journal.json`
/** All files of the schema, as drizzle.config.ts names them. */
const SCHEMA = 'src/storage/schema*.ts'

type Entry = { tag: string; when: number }

function entriesOf(journal: string): Entry[] {
  return (JSON.parse(journal) as { entries: Entry[] }).entries
}

/** Runs drizzle-kit on a copy of the migrations; its exit code tells nothing, its words do. */
function runDrizzleKit(root: string, args: string[]): { output: string; added: string[] } {
  const copy = mkdtempSync(join(tmpdir(), 'tempo-migrations-'))
  try {
    cpSync(join(root, FOLDER), join(copy, FOLDER), { recursive: true })
    const before = new Set(readdirSync(join(copy, FOLDER)))
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [DRIZZLE_KIT, ...args, '--dialect', 'postgresql', '--out', FOLDER],
      { cwd: copy, encoding: 'utf8' },
    )
    const added = readdirSync(join(copy, FOLDER)).filter((file) => !before.has(file))
    return { output: `${stdout}${stderr}`.trim(), added }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function checkSchema(root: string): string[] {
  const { output, added } = runDrizzleKit(root, ['generate', '--schema', join(root, SCHEMA)])
  if (added.length > 0)
    return [`${SCHEMA.replace('*', '')} has changes that no migration holds: run npm run db:generate`]
  return /No schema changes/.test(output) ? [] : [`drizzle-kit generate says:\n${output}`]
}

function checkSnapshots(root: string): string[] {
  const { output } = runDrizzleKit(root, ['check'])
  return /Everything's fine/.test(output) ? [] : [`drizzle-kit check says:\n${output}`]
}

/** The migrator runs what is dated after the last it ran: one with an earlier date it would leave out. */
function checkDates(root: string): string[] {
  const entries = entriesOf(readFileSync(join(root, JOURNAL), 'utf8'))
  return entries
    .filter(({ when }, index) => index > 0 && when <= entries[index - 1]!.when)
    .map(
      ({ tag }) =>
        `${FOLDER}/${tag}.sql is dated before the migration it follows: databases would leave it out`,
    )
}

/** Compares with each file as it first came into the history; outside of a git checkout there is none. */
function checkHistory(root: string): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  let log: string
  try {
    log = git('log', '--no-renames', '--relative', '--format=commit %H', '--name-status', '--', FOLDER)
  } catch {
    return []
  }
  const problems: string[] = []
  let commit = ''
  for (const line of log.split('\n')) {
    if (line.startsWith('commit ')) commit = line.slice('commit '.length)
    const [status, file] = line.split('\t')
    if (file === undefined || status === 'D') continue
    const then = git('show', `${commit}:./${file}`)
    const now = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null
    if (file === JOURNAL) {
      const kept = entriesOf(then)
      if (now === null || !isDeepStrictEqual(entriesOf(now).slice(0, kept.length), kept))
        problems.push(`${file} has other entries than in ${commit.slice(0, 8)}: only add to it`)
    } else if (status === 'A' && now !== then) {
      const what = now === null ? 'was removed' : 'was changed'
      problems.push(`${file} ${what} since ${commit.slice(0, 8)}: write a new migration instead`)
    }
  }
  return problems
}

/** One text per problem of the checkout at `root`. */
export function checkMigrations(root: string): string[] {
  return [checkHistory, checkDates, checkSnapshots, checkSchema].flatMap((check) => check(root))
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const problems = checkMigrations(root)
  for (const problem of problems) console.error(problem)
  const count = entriesOf(readFileSync(join(root, JOURNAL), 'utf8')).length
  console.log(`${count} migrations, ${problems.length} problems`)
  if (problems.length > 0 || count === 0) process.exitCode = 1
}
