import { TempoError } from '../errors.ts'
import { describeError, type ErrorDescription } from '../log.ts'
import { isPassing } from '../storage/failures.ts'

/** Answers of PostgreSQL that the one who set it up can act on (Appendix A): who may enter, which database, how many. */
const FOR_THE_OWNER = /^(08|25006|28|3D|42501|42704|53|57)/

/** What a person can act on for expected failures; for faults of ours all there is. */
export function explain(error: unknown): string {
  if (error instanceof TempoError) return [error.message, ...error.errors.map(line)].join('\n')
  return explainSystem(innermost(error)) ?? allStacks(describeError(error)).join('\nCaused by ')
}

function allStacks({ stack, cause }: ErrorDescription): string[] {
  return [stack, ...(cause ? allStacks(cause) : [])]
}

function explainSystem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = '', severity, path } = error as { code?: string; severity?: string; path?: string }
  if (severity !== undefined) {
    if (!FOR_THE_OWNER.test(code)) return undefined
    return `The database refused: ${error.message} (${code}). Check DATABASE_URL.`
  }
  // A file that an argument or a setting names; the system's own message has the path.
  if (path !== undefined) return error.message
  if (!isPassing(error) && !/CERT|TLS|SSL/.test(code)) return undefined
  return `The database cannot be reached (${code}). Check DATABASE_URL, and that PostgreSQL runs.`
}

/** Drizzle wraps what the driver says. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error
}

function line({ path, message }: { path: string; message: string }): string {
  return path ? `  ${path}: ${message}` : `  ${message}`
}
