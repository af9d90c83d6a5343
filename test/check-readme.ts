/** Holds the settings in README.md equal to those in src/config.ts; `node test/check-readme.ts --write` makes them so. */
import { readFileSync, writeFileSync } from 'node:fs'
import { settingsTable } from '../src/config.ts'

const MARKED = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/

/** The text with the current table between its marks; throws when the marks are not there. */
export function withSettings(text: string, table = settingsTable()): string {
  if (!MARKED.test(text)) throw new Error('there is no <!-- settings --> … <!-- /settings --> in it')
  return text.replace(MARKED, (_, begin: string, end: string) => `${begin}${table}\n${end}`)
}

if (import.meta.main) {
  const path = new URL('../README.md', import.meta.url)
  const text = readFileSync(path, 'utf8')
  const expected = withSettings(text)
  if (process.argv.includes('--write')) writeFileSync(path, expected)
  else if (text !== expected) {
    console.error('README.md does not show the current settings: node test/check-readme.ts --write')
    process.exitCode = 1
  }
}
