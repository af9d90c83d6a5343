import { readFile } from 'node:fs/promises'
import { invalidInput } from '../errors.ts'
import { type BacktestChange, backtest, withScore } from '../ingest/backtest.ts'
import { readLibrary } from '../open-library.ts'
import { parseScore } from '../scores/load.ts'
import { scanEvents } from '../storage/scan-events.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

const DAY_MS = 86_400_000
const LOT = 50
const PAGE = 200

/** Prints which events of the last days the score in a file would judge otherwise; changes nothing. */
export async function backtestScore(terminal: Terminal, file: string, days: number): Promise<void> {
  const parsed = parseScore(await readFile(file, 'utf8'))
  if ('problems' in parsed) throw invalidInput('score', parsed.problems)
  const { score } = parsed
  await withDatabase('score backtest', async (db, config) => {
    const { scores } = await readLibrary(config, db)
    const catalog = withScore(
      scores.map((loaded) => loaded.score),
      score,
    )
    const from = new Date(Date.now() - days * DAY_MS)
    let scanned = 0
    let changed = 0
    let after: { at: Date; id: string } | null = null
    do {
      const page: Awaited<ReturnType<typeof backtest>> = await backtest(catalog, {
        scan: (position) => scanEvents(db, score.providerIdentifier, from, position, LOT),
        after,
        limit: PAGE,
        now: () => performance.now(),
      })
      for (const item of page.items) terminal.out.write(line(item))
      scanned += page.scanned
      changed += page.items.length
      after = page.next
    } while (after)
    terminal.err.write(`${changed} of ${scanned} events of the last ${days} days would change.\n`)
  })
}

function line({ eventId, startDate, title, before, after, changes }: BacktestChange): string {
  const told = changes.map((what) => {
    const name = what === 'stack' ? 'key' : what
    return `${what} ${before[name] ?? '(alone)'} → ${after[name] ?? '(alone)'}`
  })
  return `${startDate.toISOString()}  ${eventId}  ${title}: ${told.join(', ')}\n`
}
