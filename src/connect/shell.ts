/** Words of a POSIX shell, for lines that people paste. */

/** A word that a shell reads back as this very text. */
export function shellWord(text: string): string {
  return /^[\w%+,./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** A command; with `breakAt` each word of it begins a line of its own, so that people can read it. */
export function shellCommand(words: readonly string[], breakAt: readonly string[] = []): string {
  return words
    .map((word, n) => `${n === 0 ? '' : breakAt.includes(word) ? ' \\\n  ' : ' '}${shellWord(word)}`)
    .join('')
}
