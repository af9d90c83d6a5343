/** Score files on disk; nothing else in this folder touches it. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import type { ScoreFile } from './format.ts'
import { type Position, positionIn } from './positions.ts'
import type { ScoreProblem } from './problem.ts'
import { validateScore } from './validate.ts'

/** The scores that come with the server. */
export const BUNDLED_DIR = fileURLToPath(new URL('../../scores', import.meta.url))

/** `kept`: sent to the API and kept in the database. */
export type ScoreOrigin = 'bundled' | 'own' | 'kept'

export type LoadedScore = { score: ScoreFile; origin: ScoreOrigin; path: string }

export type FileProblems = { file: string; problems: ScoreProblem[] }

export type LoadedScores = { scores: LoadedScore[]; problems: FileProblems[] }

/** Parses and validates the text of one score file; problems carry the line and column of what is wrong. */
export function parseScore(text: string): { score: ScoreFile } | { problems: ScoreProblem[] } {
  const json = text.replace(/^\uFEFF/, '')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    const { words, position } = syntaxFault(json) ?? { words: (error as Error).message }
    return { problems: [{ path: '', message: `is not JSON: ${words}`, ...position }] }
  }
  return validateScore(value, json)
}

/** Reads the scores of one folder; of two files with one identifier the first by name counts. */
export async function loadFolder(dir: string, origin: ScoreOrigin): Promise<LoadedScores> {
  const loaded: LoadedScores = { scores: [], problems: [] }
  const firstWith = new Map<string, string>()
  let names: string[]
  try {
    names = (await readdir(dir)).filter(isScoreName).sort()
  } catch (error) {
    return { scores: [], problems: [unreadable(dir, error)] }
  }
  for (const name of names) {
    const path = join(dir, name)
    const result = await loadFile(path)
    if ('problems' in result) {
      loaded.problems.push({ file: path, problems: result.problems })
      continue
    }
    const identifier = result.score.providerIdentifier
    const first = firstWith.get(identifier)
    if (first) {
      const message = `${identifier} is already the score in ${first}, which stays in force`
      loaded.problems.push({ file: path, problems: [{ path: 'providerIdentifier', message }] })
      continue
    }
    firstWith.set(identifier, name)
    loaded.scores.push({ score: result.score, origin, path })
  }
  return loaded
}

async function loadFile(path: string): Promise<{ score: ScoreFile } | { problems: ScoreProblem[] }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return { problems: unreadable(path, error).problems }
  }
  return parseScore(text)
}

/** Files that begin with a dot are an editor's or the system's own (`._name` on macOS shares). */
export function isScoreName(name: string): boolean {
  return /^[^.].*\.(?:json|tempo-score)$/.test(name) && !name.endsWith('.schema.json')
}

function unreadable(file: string, error: unknown): FileProblems {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  return { file, problems: [{ path: '', message: `cannot be read (${code})` }] }
}

/** The first thing in the way of JSON and where it is; JSON.parse alone says no position for an early end. */
function syntaxFault(json: string): { words: string; position: Position } | undefined {
  const errors: ParseError[] = []
  try {
    parse(json, errors, { disallowComments: true })
  } catch (error) {
    // It descends by recursion, so a text of nothing but brackets is too deep for it.
    if (error instanceof RangeError) return undefined
    throw error
  }
  const first = errors[0]
  if (!first) return undefined
  const position = positionIn(json, first.offset)
  const name = printParseErrorCode(first.error)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase()
  return { words: `${name} at line ${position.line}, column ${position.column}`, position }
}
