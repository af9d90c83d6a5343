/** How the words of events are put together for the index (docs/adr/0008-reads.md). */
import { newId } from '../new-id.ts'
import { wordsOf } from './words.ts'

/** An event to index: the spans in which it starts, the hour first, and its text in lower case. */
export type WordsToIndex = { id: string; spans: number[]; body: string }

/** What the index holds of some events: the spans that they share, and each of their words once. */
export type WordGroup<E extends WordsToIndex> = { id: string; spans: number[]; words: string; events: E[] }

/**
 * Events of one group: so many at the most, and beyond the few only while the group has no more than so many times the words
 * of its first event. What comes from one template goes on and on; texts that share nothing would make a larger group
 * that holds nearly any word, and each match means to look at all of its events.
 */
const MOST = 32
const FEW = 8
const TIMES_THE_WORDS = 4

/**
 * Puts events of one hour together that are alike, so that a group has few words beyond those of one of its events, and
 * a word that few events have stands in few groups. Each group is made when it is asked for.
 */
export function* makeGroups<E extends WordsToIndex>(events: E[]): Generator<WordGroup<E>> {
  for (const hour of Map.groupBy(events, ({ spans }) => spans[0]!).values()) {
    const alike = hour.toSorted((a, b) => (a.body < b.body ? -1 : 1))
    for (let at = 0; at < alike.length; ) {
      const group = makeGroup(alike, at)
      yield group
      at += group.events.length
    }
  }
}

/** Most lines of such events are those of the one before at the same place, and are neither cut out nor cut into words again. */
function makeGroup<E extends WordsToIndex>(alike: E[], start: number): WordGroup<E> {
  const lines = new Set<string>()
  const words = new Set<string>()
  let before: string[] = []
  let bound = Number.POSITIVE_INFINITY
  let end = start
  while (end < alike.length && end < start + MOST && (end < start + FEW || words.size <= bound)) {
    before = linesLike(before, alike[end]!.body, (line) => {
      if (lines.has(line)) return
      lines.add(line)
      for (const word of wordsOf(line)) words.add(word)
    })
    if (end === start) bound = TIMES_THE_WORDS * words.size
    end++
  }
  const events = alike.slice(start, end)
  return { id: newId(), spans: events[0]!.spans, words: [...words].join(' '), events }
}

const LINE_FEED = 10

/** The lines of a text; `differs` gets each that is not the one `before` at its place. */
function linesLike(before: string[], text: string, differs: (line: string) => void): string[] {
  const lines: string[] = []
  for (let at = 0; at <= text.length; ) {
    const same = before[lines.length]
    const isSame = same !== undefined && text.startsWith(same, at) && isLineEnd(text, at + same.length)
    const line = isSame ? same : lineAt(text, at)
    if (!isSame) differs(line)
    lines.push(line)
    at += line.length + 1
  }
  return lines
}

function isLineEnd(text: string, at: number): boolean {
  return at === text.length || text.charCodeAt(at) === LINE_FEED
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.slice(at) : text.slice(at, end)
}
