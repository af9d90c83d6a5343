import { invalidInput } from '../errors.ts'
import type { ScoreFile } from '../scores/format.ts'
import { parseScore } from '../scores/load.ts'

/** Parses a score that was sent; throws with every problem, its place included. */
export function requireScore(source: string): ScoreFile {
  const parsed = parseScore(source)
  if ('score' in parsed) return parsed.score
  throw invalidInput(
    'score',
    parsed.problems.map(({ path, message, meant, line, column }) => ({
      path,
      message: [
        message,
        ...(meant ? [`(meant: ${meant}?)`] : []),
        ...(line ? [`at line ${line}, column ${column}`] : []),
      ].join(' '),
    })),
  )
}
