const EVERY_MS = 200

/** A line that is written over itself, where a person watches. */
export type Progress = { show: (table: string, rows: number) => void; end: () => void }

/** Shows how many rows of a table have passed; nothing where no person watches, or if `quiet`. */
export function createProgress(
  err: NodeJS.WriteStream,
  quiet = false,
  now = () => performance.now(),
): Progress {
  if (quiet || !err.isTTY) return { show() {}, end() {} }
  let shownAt = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    show(table, rows) {
      if (now() - shownAt < EVERY_MS) return
      shownAt = now()
      isShown = true
      err.write(`\r\u001b[K${table}: ${rows.toLocaleString('en')} rows`)
    },
    end() {
      if (isShown) err.write('\r\u001b[K')
      isShown = false
    },
  }
}

/** `1 event`, `2 events`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}
