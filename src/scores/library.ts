/** The scores in force: bundled ones, those of the user's folder, and those kept in the database, live. */

import { dirname } from 'node:path'
import { type Catalog, createCatalog } from './catalog.ts'
import type { ScoreFile } from './format.ts'
import { type FileProblems, type LoadedScore, loadFolder, parseScore } from './load.ts'

/** A score that was sent to the API and is kept in the database. */
export type KeptScore = { provider: string; source: string }

/** One state of the library. A reload makes another; who holds one goes on with it as a whole. */
export type Library = { catalog: Catalog; scores: LoadedScore[]; problems: FileProblems[] }

export type LibraryKeeper = {
  current: () => Library
  /** Reads the folder anew; a broken file is reported, and its last good version stays in force. */
  readFolder: () => Promise<void>
  /** Takes what the database holds now. */
  takeKept: (kept: KeptScore[]) => void
}

export type LibraryOptions = { bundledDir: string; ownDir: string | null }

type Origin = { scores: LoadedScore[]; problems: FileProblems[] }

const NONE: Origin = { scores: [], problems: [] }

/**
 * Loads the bundled scores and the folder. Of several scores of one provider one kept in the database counts before a
 * file of the folder, and that before a bundled one.
 */
export async function createLibrary({ bundledDir, ownDir }: LibraryOptions): Promise<LibraryKeeper> {
  const bundled = await loadFolder(bundledDir, 'bundled')
  let own = NONE
  let kept = NONE
  let library = combine([bundled, own, kept])

  async function readFolder(): Promise<void> {
    if (ownDir === null) return
    own = withLastGood(await loadFolder(ownDir, 'own'), own)
    library = combine([bundled, own, kept])
  }

  function takeKept(rows: KeptScore[]): void {
    kept = readKept(rows)
    library = combine([bundled, own, kept])
  }

  await readFolder()
  return { current: () => library, readFolder, takeKept }
}

function combine(origins: Origin[]): Library {
  const scores = new Map<string, LoadedScore>()
  for (const origin of origins) {
    for (const loaded of origin.scores) scores.set(loaded.score.providerIdentifier, loaded)
  }
  const inForce = [...scores.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  return {
    catalog: createCatalog(inForce.map(({ score }) => score)),
    scores: inForce,
    problems: origins.flatMap((origin) => origin.problems),
  }
}

function nameOf({ score }: { score: ScoreFile }): string {
  return score.providerIdentifier
}

/**
 * A file that is there but broken goes on with the version that was good, and so do all when the folder cannot be read;
 * one that is gone does not.
 */
function withLastGood(now: Origin, before: Origin): Origin {
  const broken = new Set(now.problems.map(({ file }) => file))
  const names = new Set(now.scores.map(nameOf))
  const stay = before.scores.filter(
    ({ path, score }) =>
      (broken.has(path) || broken.has(dirname(path))) && !names.has(score.providerIdentifier),
  )
  return { scores: [...now.scores, ...stay], problems: now.problems }
}

function readKept(rows: KeptScore[]): Origin {
  const origin: Origin = { scores: [], problems: [] }
  for (const { provider, source } of rows) {
    const path = `/api/v1/scores/${provider}`
    const parsed = parseScore(source)
    if ('score' in parsed) origin.scores.push({ score: parsed.score, origin: 'kept', path })
    else origin.problems.push({ file: path, problems: parsed.problems })
  }
  return origin
}
