/** The command line of a vzdump job, which stands above its logs. */

/** What the command says of the job; null or empty where it says nothing. */
export type VzdumpCommand = {
  line: string
  /** Guests that are named; none when the job takes `--all` or a pool. */
  vmids: number[]
  all: boolean
  pool: string | null
  storage: string | null
  mode: string | null
  compress: string | null
  node: string | null
}

/** Longer than thousands of VMIDs; beyond it nothing is read. */
const LONGEST = 65_536

/** Null when the line is no vzdump command. */
export function parseVzdumpCommand(line: string): VzdumpCommand | null {
  if (!line.startsWith('vzdump ')) return null
  const words = splitWords(line.slice(0, LONGEST))
  const options = new Map<string, string>()
  let at = 1
  const vmids: number[] = []
  for (; at < words.length && /^[1-9]\d{0,9}$/.test(words[at]!); at++) vmids.push(Number(words[at]))
  for (; at < words.length; at++) {
    const option = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(words[at]!)
    if (!option) continue
    const value = option[2] ?? (words[at + 1]?.startsWith('--') === false ? words[++at]! : '1')
    options.set(option[1]!, value)
  }
  const option = (name: string): string | null => options.get(name) || null
  return {
    line,
    vmids,
    all: option('all') === '1',
    pool: option('pool'),
    storage: option('storage'),
    mode: option('mode'),
    compress: option('compress'),
    node: option('node'),
  }
}

/** Words of a POSIX shell, as far as Proxmox quotes them: single quotes, double quotes and backslashes. */
function splitWords(line: string): string[] {
  if (!/['"\\]/.test(line)) return line.split(/\s+/).filter((word) => word !== '')
  const words: string[] = []
  const part = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(\s+)|./gsy
  let word: string | null = null
  for (const [whole, single, double, escaped, plain, blank] of line.matchAll(part)) {
    if (blank !== undefined) {
      if (word !== null) words.push(word)
      word = null
    } else word = `${word ?? ''}${single ?? double?.replace(/\\(.)/gs, '$1') ?? escaped ?? plain ?? whole}`
  }
  return word === null ? words : [...words, word]
}
