/** Medians and ratios of the rounds, as tables that read well in a terminal and in Markdown. */
import type { Contender } from './contender.ts'
import type { Memory } from './procfs.ts'
import type { Cpu, Round } from './round.ts'

type Numbers = (number | null | undefined)[]

/** The one in the middle; of an even count the mean of both. NaN when there is none. */
export function median(values: Numbers): number {
  const sorted = values.filter((value) => typeof value === 'number').sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** A Markdown table with columns of even width; those with figures stand right. */
export function table(head: string[], rows: string[][]): string {
  const isFigure = head.map((_, column) => rows.every((row) => /^[\d.,–]/.test(row[column]!)))
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length), 3))
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => (isFigure[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join(' | ')} |`
  const rule = widths.map((width, column) =>
    isFigure[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

const NONE = '–'
const shown = (value: number, digits: number) => (Number.isNaN(value) ? NONE : value.toFixed(digits))
const ms = (value: number) => shown(value, value < 10 ? 2 : value < 100 ? 1 : 0)
export const whole = (value: number) =>
  Number.isNaN(value) ? NONE : Math.round(value).toLocaleString('en-US')

export type Result = { contender: Contender; rounds: Round[] }

/** The rate as a part of that of bare Hono around it. */
const measured = ({ rate, yardstick }: Round) => rate / yardstick.rate

/** Rate of `a` divided by that of `b`, each by its yardstick, round by round: what disturbs the machine disturbs both. */
export function ratio(a: Round[], b: Round[]): number {
  return median(a.map((round, index) => (b[index] ? measured(round) / measured(b[index]) : null)))
}

/** How fast. Ratios are those of the contender named `base`. */
export function rateTable(results: Result[], base: string): string {
  const own = results.find(({ contender }) => contender.name === base)
  const head = [
    'contender',
    'events/s',
    'lowest to highest',
    'of bare Hono',
    own ? `${own.contender.title}, relative` : 'ratio',
    'p50 ms',
    'p99 ms',
    'of bare Hono',
    'alone: p50 ms',
    'p99 ms',
  ]
  const rows = results.map(({ contender, rounds }) => {
    const rates = rounds.map(({ rate }) => rate)
    return [
      contender.title,
      whole(median(rates)),
      `${whole(Math.min(...rates))} to ${whole(Math.max(...rates))}`,
      shown(median(rounds.map(measured)), 2),
      own ? shown(ratio(own.rounds, rounds), 2) : NONE,
      ms(median(rounds.map(({ p50 }) => p50))),
      ms(median(rounds.map(({ p99 }) => p99))),
      ms(median(rounds.map(({ yardstick }) => yardstick.p99))),
      ms(median(rounds.map(({ lone }) => lone.p50))),
      ms(median(rounds.map(({ lone }) => lone.p99))),
    ]
  })
  return table(head, rows)
}

/** What it took, in busy cores and megabytes, and what the limit was. */
export function costTable(results: Result[], cores: number): string {
  const head = [
    'contender',
    'CPU, cores',
    'PostgreSQL',
    'load generator',
    'others',
    'stolen',
    'RSS, MB',
    'PSS',
    'PostgreSQL RSS',
    'PSS',
    'limit',
  ]
  const rows = results.map(({ contender, rounds }) => {
    const cpu = (key: keyof Cpu) => shown(median(rounds.map((round) => round.cpu[key])), 2)
    const memory = (of: 'contender' | 'postgres', size: keyof Memory) =>
      whole(median(rounds.map((round) => round.memory[of]?.[size])))
    return [
      contender.title,
      ...[cpu('contender'), cpu('postgres'), cpu('load'), cpu('others'), cpu('stolen')],
      ...[memory('contender', 'rss'), memory('contender', 'pss')],
      ...[memory('postgres', 'rss'), memory('postgres', 'pss')],
      limitOf(rounds, cores),
    ]
  })
  return table(head, rows)
}

/** What others had of the machine, in cores; where the system does not tell what is stolen, without that. */
const taken = ({ cpu: { others, stolen } }: Round) => others + (stolen || 0)

/** Share of the machine from which on others who use it are the story. */
const DISTURBED = 0.15

/** Whoever has no more to give is the limit; if nobody, they wait for each other and for the disk. */
function limitOf(rounds: Round[], cores: number): string {
  const others = median(rounds.map(taken))
  if (others > DISTURBED * cores) return 'others on the machine'
  const all = median(
    rounds.map(
      ({ cpu }) => (cpu.contender ?? 0) + (cpu.postgres ?? 0) + cpu.load + cpu.others + (cpu.stolen || 0),
    ),
  )
  if (all > 0.92 * cores) return 'all cores'
  const own = median(rounds.map(({ cpu }) => cpu.contender))
  return own > 0.9 && own < 1.1 ? 'its one thread' : 'waiting for each other and the disk'
}

/** A warning when others used the machine too much for the figures to mean anything; else empty. */
export function disturbance(results: Result[], cores: number): string {
  const others = median(results.flatMap(({ rounds }) => rounds.map(taken)))
  if (!(others > DISTURBED * cores)) return ''
  return `**Disturbed:** others took ${others.toFixed(1)} of ${cores} cores meanwhile. Repeat it on a quiet machine before you quote it.`
}

type Goal = {
  what: string
  /** The other contender that it takes. */
  with?: string
  /** Whose rounds count as this server's, where there are some. */
  on?: string
  least?: number
  most?: number
  measure: (own: Round[], other: Round[]) => number
}

const GOALS: Goal[] = [
  { what: 'times the rate of one transaction per event', with: 'one-by-one', least: 2.2, measure: ratio },
  {
    what: 'times the rate of bare Hono, which stores nothing',
    least: 0.25,
    measure: (own) => median(own.map(measured)),
  },
  {
    what: 'out of the box, times the rate with the same PostgreSQL started apart',
    with: 'embedded',
    on: 'packaged',
    least: 0.9,
    measure: (own, other) => ratio(other, own),
  },
  {
    what: 'with 15 % told to a channel, times the rate without',
    with: 'telling',
    least: 0.9,
    measure: (own, other) => ratio(other, own),
  },
  { what: 'p99, ms', most: 30, measure: (own) => median(own.map(({ p99 }) => p99)) },
  { what: 'p50 of a lone sender, ms', most: 3, measure: (own) => median(own.map(({ lone }) => lone.p50)) },
]

/** The goals that the rounds can tell about. */
export function goalTable(results: Result[], base: string): string {
  const roundsOf = (name: string) => results.find(({ contender }) => contender.name === name)?.rounds
  const rows = GOALS.flatMap(({ what, with: name, on, least, most, measure }) => {
    const own = (on && roundsOf(on)) ?? roundsOf(base)
    const other = name === undefined ? [] : roundsOf(name)
    if (!own || !other) return []
    const found = measure(own, other)
    const isMet = found >= (least ?? Number.NEGATIVE_INFINITY) && found <= (most ?? Number.POSITIVE_INFINITY)
    const bound = least === undefined ? `at most ${most}` : `at least ${least}`
    return [[what, bound, found.toFixed(2), isMet ? 'met' : 'missed']]
  })
  return rows.length === 0 ? '' : table(['goal', '', 'measured', ''], rows)
}

/** What a good answer of each contender means. */
export function promiseTable(contenders: Contender[]): string {
  const rows = contenders.map(({ name, title, promise }) => [title, `\`${name}\``, promise])
  return table(['contender', '`--only`', 'what its answer promises'], rows)
}
