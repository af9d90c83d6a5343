import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { fatal } from '../errors.ts'
import { isScoreName, loadScores, parseScore } from '../scores/load.ts'
import type { ScoreProblem } from '../scores/problem.ts'
import type { Terminal } from './terminal.ts'

/** `tempo score list|validate`. */
export function scoreCommand(terminal: Terminal): Command {
  const command = new Command('score').description('List and check score files')

  command
    .command('list')
    .description('Scores that the server would load')
    .action(async () => {
      const { scores, problems } = await loadScores({ ownDir: loadConfig().scoresDir ?? undefined })
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
    .action(async (paths: string[]) => {
      for (const path of await filesIn(paths)) {
        const result = parseScore(await readFile(path, 'utf8'))
        if ('score' in result) {
          terminal.out.write(`${path}: good (${result.score.providerIdentifier})\n`)
          continue
        }
        report(terminal, path, result.problems)
        terminal.exitCode = 1
      }
    })

  return command
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
