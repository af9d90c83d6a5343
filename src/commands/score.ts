import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { fatal } from '../errors.ts'
import { readLibrary } from '../open-library.ts'
import { isScoreName, parseScore } from '../scores/load.ts'
import type { ScoreProblem } from '../scores/problem.ts'
import { backtestScore } from './score-backtest.ts'
import { explainScore } from './score-explain.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

/** `tempo score list|validate|explain|backtest`. */
export function scoreCommand(terminal: Terminal): Command {
  const command = new Command('score').description('List and check score files')

  command
    .command('list')
    .description('Scores that the server would load')
    .action(async () => {
      const { scores, problems } = await withDatabase('score list', (db, config) => readLibrary(config, db))
      for (const { score, origin } of scores) {
        terminal.out.write(`${score.providerIdentifier}\t${score.displayName}\t${origin}\n`)
      }
      for (const { file, problems: found } of problems) report(terminal, file, found)
      if (problems.length > 0) terminal.exitCode = 1
    })

  command
    .command('validate')
    .description('Check score files, or all in a folder; exit code 1 when one is wrong')
    .argument('<path...>', 'files or folders')
    .option('--json', 'print [{file, valid, provider, problems}]')
    .action(async (paths: string[], { json }: { json?: boolean }) => {
      const results = await Promise.all((await filesIn(paths)).map(checkFile))
      if (results.some(({ valid }) => !valid)) terminal.exitCode = 1
      if (json) {
        terminal.out.write(`${JSON.stringify(results, null, 2)}\n`)
        return
      }
      for (const { file, provider, problems } of results) {
        if (provider) terminal.out.write(`${file}: good (${provider})\n`)
        else report(terminal, file, problems)
      }
    })

  command
    .command('explain')
    .description('Why an event is judged as it is: every rule with every condition')
    .argument('<event>', 'the id of a stored event, or a file with a payload')
    .option('--json', 'print JSON')
    .action((event: string, { json = false }: { json?: boolean }) => explainScore(terminal, event, json))

  command
    .command('backtest')
    .description('Which stored events a score would judge otherwise; changes nothing')
    .argument('<file>', 'the edited score')
    .option('--days <n>', 'how far to look back', readDays, 7)
    .action((file: string, { days }: { days: number }) => backtestScore(terminal, file, days))

  return command
}

type CheckedFile = { file: string; valid: boolean; provider: string | null; problems: ScoreProblem[] }

async function checkFile(file: string): Promise<CheckedFile> {
  const result = parseScore(await readFile(file, 'utf8'))
  if ('problems' in result) return { file, valid: false, provider: null, problems: result.problems }
  return { file, valid: true, provider: result.score.providerIdentifier, problems: [] }
}

function readDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1)
    throw fatal('bad_days', `--days ${text}: give a whole number of days.`)
  return days
}

/** As compilers do, so that editors find the place. */
function report(terminal: Terminal, file: string, problems: ScoreProblem[]): void {
  for (const { path, message, meant, line, column } of problems) {
    const place = line === undefined ? file : `${file}:${line}:${column}`
    terminal.err.write(`${place}: ${path ? `${path} ` : ''}${message}${meant ? ` (meant: ${meant}?)` : ''}\n`)
  }
}

async function filesIn(paths: string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      if (!(await stat(path)).isDirectory()) return [path]
      const names = (await readdir(path)).filter(isScoreName).sort()
      if (names.length === 0) throw fatal('no_scores', `${path} has no score files.`)
      return names.map((name) => join(path, name))
    }),
  )
  return found.flat()
}
