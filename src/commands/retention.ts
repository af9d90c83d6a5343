import { Command } from 'commander'
import { fatal } from '../errors.ts'
import { BANDS, type Band, bandOf, severityOfRank } from '../event.ts'
import { ageOf, describeAge, planOf, type Retention } from '../retention/policy.ts'
import { foreseeRetention, type RetentionForecast } from '../storage/foresee-retention.ts'
import { applyRetention } from '../storage/retention.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

/** `tempo retention`: what the policy of TEMPO_RETENTION would delete now, or, with `--apply`, does. */
export function retentionCommand(terminal: Terminal): Command {
  return new Command('retention')
    .description('Show what TEMPO_RETENTION would delete now, or delete it')
    .option('--apply', 'delete it, in small steps; Ctrl-C ends it between two of them')
    .option('--json', 'print {events: [{provider, band, age, count}], messages, deliveries, bodies}')
    .action(async ({ apply = false, json = false }: { apply?: boolean; json?: boolean }) => {
      await withDatabase('retention', async (db, { retention }) => {
        if (retention === null) {
          terminal.err.write('TEMPO_RETENTION is not set: everything is kept.\n')
          return
        }
        const now = new Date()
        const plan = planOf(retention)
        if (!apply) {
          const view = viewOf(retention, await foreseeRetention(db, plan, now))
          terminal.out.write(json ? `${JSON.stringify(view, null, 2)}\n` : table(view))
          if (!json) terminal.err.write('Nothing was changed. To delete it: tempo retention --apply\n')
          return
        }
        const result = await applyRetention(db, plan, { now, signal: interruption() })
        if (result === null)
          throw fatal('retention_runs', 'A server deletes old events at this moment. Try again later.')
        const { events, stacks, messages, deliveries, bodies, skipped } = result
        if (json) terminal.out.write(`${JSON.stringify(result, null, 2)}\n`)
        else {
          terminal.out.write(`deleted  ${events} events, and ${stacks} stacks that had no others\n`)
          terminal.out.write(`cut      long texts of ${messages} events\n`)
          terminal.out.write(`deleted  ${deliveries} deliveries, ${bodies} refused bodies\n`)
        }
        if (skipped > 0)
          terminal.err.write(`${skipped} steps were left for later, as senders were at the same stacks.\n`)
      })
    })
}

type Row = { provider: string; band: Band; age: string; count: number }
type View = Omit<RetentionForecast, 'events'> & { events: Row[] }

function viewOf(policy: Retention, { events, ...rest }: RetentionForecast): View {
  const byBand = Map.groupBy(
    events,
    ({ provider, severity }) => `${provider} ${bandOf(severityOfRank(severity))}`,
  )
  const rows = Array.from(byBand.values(), (group) => {
    const { provider, severity } = group[0]!
    const band = bandOf(severityOfRank(severity))
    const count = group.reduce((sum, one) => sum + one.count, 0)
    return { provider, band, age: describeAge(ageOf(policy, provider, band)), count }
  })
  const order = ({ provider, band }: Row) => `${provider} ${BANDS.indexOf(band)}`
  return { events: rows.sort((a, b) => (order(a) < order(b) ? -1 : 1)), ...rest }
}

function table({ events, messages, deliveries, bodies }: View): string {
  const total = events.reduce((sum, { count }) => sum + count, 0)
  const rows = [
    ['PROVIDER', 'BAND', 'OLDER THAN', 'EVENTS'],
    ...events.map(({ provider, band, age, count }) => [provider, band, age, String(count)]),
    ['all', '', '', String(total)],
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  return [
    ...lines,
    `and would cut long texts of ${messages} events, delete ${deliveries} deliveries and ${bodies} refused bodies`,
    '',
  ].join('\n')
}

/** Aborted by Ctrl-C, which may come twice through npm, or a request to end. */
function interruption(): AbortSignal {
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort())
  return ending.signal
}
