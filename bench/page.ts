/**
 * How soon the page shows its first stacks with many events, and how much stands in the document while it scrolls
 * through thousands of them. Run by `npm run bench:page`; `--events 100000` for fewer, `--rounds 5`.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { silentLog } from '../src/log.ts'
import { createClient } from '../src/storage/database.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { migrateDatabase } from '../src/storage/migrate.ts'
import { openBrowser } from '../test/helpers/browser.ts'
import { fillDatabase } from './reads-database.ts'

const TOKEN = 'bench-page-token-of-no-use-elsewhere-0123456789'
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    stacks: { type: 'string', default: '5000' },
  },
})
const events = Number(values.events)

const dataDir = await mkdtemp(join(tmpdir(), 'tempo-page-'))
await chmod(dataDir, 0o755)
const embedded = await startEmbedded({ dataDir: join(dataDir, 'data'), role: 'command', label: 'bench page' })
const { host, port, user, database } = embedded
const target = { host, port, user, database }
const browser = await openBrowser()
try {
  await migrateDatabase(target)
  const { sql } = createClient(target, { max: 1 })
  await fillDatabase(sql, events)
  await sql.end()
  const app = await createApp(
    loadConfig({
      TEMPO_HOST: '127.0.0.1',
      TEMPO_PORT: '0',
      TEMPO_ADMIN_TOKEN: TOKEN,
      TEMPO_DATA_DIR: join(dataDir, 'server'),
      DATABASE_URL: `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`,
    }),
    silentLog,
  )
  const url = `http://127.0.0.1:${(await app.start()).port}/`
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.goto(url)
  await page.fill('input[name=token]', TOKEN)
  await page.click('button[type=submit]')
  await page.locator('.stack').first().waitFor()
  const times: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const begin = performance.now()
    await page.goto(url)
    await page.locator('.stack').first().waitFor()
    times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)
  console.log(`${events} events: first stacks after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`)

  let most = 0
  const begin = performance.now()
  const seen = new Set<string>()
  while (seen.size < Number(values.stacks)) {
    await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)')
    await page.waitForTimeout(0)
    const [nodes, titles] = (await page.evaluate(
      "[document.querySelectorAll('*').length, [...document.querySelectorAll('.virtual-row')].map((row) => row.dataset.index)]",
    )) as [number, string[]]
    for (let index = 0; index <= Math.max(...titles.map(Number)); index++) seen.add(String(index))
    most = Math.max(most, nodes)
  }
  const seconds = (performance.now() - begin) / 1000
  console.log(`${seen.size} rows in ${seconds.toFixed(1)} s, at most ${most} nodes in the document`)
  await app.stop()
} finally {
  await browser.close()
  await embedded.stop()
  await rm(dataDir, { recursive: true, force: true })
}
