/** The command `tempo` (tempo.js). It prepares Node first, which counts only for what is loaded afterwards. */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import './drizzle-imports.ts'

/**
 * Bytes that the young generation of the heap grows to, both halves of it. `npm start` gives the same bound to Node itself
 * (`--max-semi-space-size=16`), which holds exactly; here it is for who starts the command otherwise, and may be doubled by
 * two collections in one turn. V8 lets it grow already while it loads the program, and gives nothing of that back. With a
 * half of it, events cost the server a twentieth more.
 */
const YOUNG_BYTES = 32 * 1024 * 1024

/**
 * Percent that the heap may grow beyond what is in use before all of it is looked through. V8 waits for up to 300; with 30
 * the slowest answers came a tenth later, with 80 no sooner.
 */
const GROWING_PERCENT = 50

/**
 * One thread copies what is left of the young generation. Several leave gaps in the memory, 30 MB of them under load, and
 * take the time of their meeting from the database.
 */
const ONE_COPIER = '--no-parallel-scavenge'

const LEFTOVERS_MS = 500

function setGrowth(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`)
}

/**
 * Looks at the young generation after each collection: its bound is a flag of the command line only, but how it grows can
 * be set at any time.
 */
function boundMemory(): void {
  let grows = true
  setGrowth(2)
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`)
  new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const isSmall = (young?.space_size ?? 0) < YOUNG_BYTES
    if (isSmall === grows) return
    grows = isSmall
    setGrowth(grows ? 2 : 1)
  }).observe({ entryTypes: ['gc'] })
}

/** Runs the command of this process to its end. */
export async function main(): Promise<void> {
  // A command ends before memory counts.
  const isServer = process.argv[2] === 'serve'
  if (isServer) {
    setFlagsFromString(ONE_COPIER)
    setGrowth(1)
  }
  const { run } = await import('./commands/program.ts')
  if (isServer) boundMemory()
  // Who reads our output may leave before its end (`tempo token list | head`); that is no failure of the command.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.exitCode = await run(process.argv.slice(2), process.stdout, process.stderr)
  // postgres.js leaves a connection half open when the network is dead, and that would keep us alive.
  setTimeout(() => process.exit(), LEFTOVERS_MS).unref()
}

// Who starts this file has all of it, but for what tempo.js saves.
if (import.meta.main) await main()
