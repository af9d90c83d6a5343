import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkMigrations } from './check-migrations.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SCHEMA = 'src/storage/schema.ts'
const FIRST = 'drizzle/0000_tables.sql'
const JOURNAL = 'drizzle/meta/_journal.json'

type Checkout = {
  path: string
  git: (...args: string[]) => void
  change: (file: string, edit: (text: string) => string) => void
}

/** The migrations and the schema of this project, in the first commit of a repository of their own. */
function makeCheckout(t: TestContext): Checkout {
  const path = mkdtempSync(join(tmpdir(), 'tempo-check-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  cpSync(join(ROOT, 'src'), join(path, 'src'), { recursive: true })
  cpSync(join(ROOT, 'drizzle'), join(path, 'drizzle'), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(path, 'node_modules'))
  const git = (...args: string[]) => {
    const own = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false']
    execFileSync('git', [...own, ...args], { cwd: path, stdio: 'ignore' })
  }
  git('init')
  git('add', 'drizzle', 'src')
  git('commit', '-m', 'first')
  const change = (file: string, edit: (text: string) => string) => {
    writeFileSync(join(path, file), edit(readFileSync(join(path, file), 'utf8')))
  }
  return { path, git, change }
}

test('the migrations of this project lead to its schema and keep their history', () => {
  assert.deepEqual(checkMigrations(ROOT), [])
})

test('outside of a git checkout there is no history to keep', (t) => {
  const { path, change } = makeCheckout(t)
  change(FIRST, (text) => `${text}\n`)
  rmSync(join(path, '.git'), { recursive: true })
  assert.deepEqual(checkMigrations(path), [])
})

test('a change of the schema without its migration is refused', (t) => {
  const { path, change } = makeCheckout(t)
  change(SCHEMA, (text) => text.replace("color: text('color')", "hue: text('hue'), color: text('color')"))
  assert.match(checkMigrations(path).join(), /^src\/storage\/schema\.ts has changes that no migration holds/)
})

test('a renamed column without its migration is refused, though drizzle-kit would ask', (t) => {
  const { path, change } = makeCheckout(t)
  change(SCHEMA, (text) => text.replace("color: text('color')", "color: text('colour')"))
  assert.equal(checkMigrations(path).length, 1)
})

test('a schema that cannot be read is refused', (t) => {
  const { path, change } = makeCheckout(t)
  change(SCHEMA, (text) => `${text}\nthrow new Error('broken')\n`)
  assert.match(checkMigrations(path).join(), /^drizzle-kit generate says:.*broken/s)
})

test('a migration that was committed must not change, neither now nor in a later commit', (t) => {
  const { path, git, change } = makeCheckout(t)
  change(FIRST, (text) => `${text}-- better\n`)
  assert.match(checkMigrations(path).join(), /^drizzle\/0000_tables\.sql was changed since [0-9a-f]{8}/)
  git('commit', '-am', 'second')
  assert.match(checkMigrations(path).join(), /^drizzle\/0000_tables\.sql was changed/)
  change(FIRST, (text) => text.replace('-- better\n', ''))
  assert.deepEqual(checkMigrations(path), [])
})

test('a migration that was committed must not be removed', (t) => {
  const { path, git } = makeCheckout(t)
  git('rm', FIRST)
  assert.match(checkMigrations(path).join(), /^drizzle\/0000_tables\.sql was removed/)
  git('commit', '-m', 'second')
  assert.match(checkMigrations(path).join(), /^drizzle\/0000_tables\.sql was removed/)
})

test('the journal may only grow', (t) => {
  const { path, change } = makeCheckout(t)
  change(JOURNAL, (text) => text.replace(/"when": (\d+)/, (_, when) => `"when": ${Number(when) - 1}`))
  assert.match(checkMigrations(path).join(), /^drizzle\/meta\/_journal\.json has other entries/)
})

test('a new migration is welcome, unless it is dated before the one it follows', (t) => {
  const { path, change } = makeCheckout(t)
  const append = (when: number) => (text: string) => {
    const journal = JSON.parse(text)
    journal.entries.push({ ...journal.entries.at(-1), idx: journal.entries.length, tag: '9999_next', when })
    return JSON.stringify(journal)
  }
  writeFileSync(join(path, 'drizzle/9999_next.sql'), 'SELECT 1;')
  change(JOURNAL, append(Date.now() + 1e10))
  assert.deepEqual(checkMigrations(path), [])
  change(JOURNAL, append(1))
  assert.match(checkMigrations(path).join(), /^drizzle\/9999_next\.sql is dated before/)
})

test('two migrations that follow the same one are refused', (t) => {
  const { path, change } = makeCheckout(t)
  cpSync(join(path, 'drizzle/meta/0001_snapshot.json'), join(path, 'drizzle/meta/0100_snapshot.json'))
  change('drizzle/meta/0100_snapshot.json', (text) => text.replace(/"id": "0/, '"id": "1'))
  assert.match(checkMigrations(path).join(), /drizzle-kit check says/)
})
