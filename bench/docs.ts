/** Writes results into docs/performance.md, between marks. */
import { readFile, writeFile } from 'node:fs/promises'

const PAGE = new URL('../docs/performance.md', import.meta.url)

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export async function writeDocs(name: string, text: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [start, end] = [page.indexOf(open), page.indexOf(close)]
  if (start < 0 || end < start) throw new Error(`docs/performance.md has no marks ${open} and ${close}`)
  await writeFile(PAGE, `${page.slice(0, start + open.length)}\n${text}\n${page.slice(end)}`)
}
