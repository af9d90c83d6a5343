/** How the words of events are put together for the index (docs/adr/0008-reads.md). */
import { newId } from '../new-id.ts'
import { wordsOf } from './words.ts'

/** An event to index: the spans in which it starts, the hour first, and its text in lower case. */
export type WordsToIndex = { id: string; spans: number[]; body: string }

export type WordGroup = { id: string; spans: number[]; eventIds: string[]; words: string }

/** Events of one group. More would make the index smaller still, but each match means to look at all of its events. */
const GROUP = 8

/**
 * Puts events of one hour together that are alike, so that a group has few words beyond those of one of its events, and
 * a word that few events have stands in few groups.
 */
export function groupAlike(events: WordsToIndex[]): WordsToIndex[][] {
  const byHour = Map.groupBy(events, ({ spans }) => spans[0]!)
  return [...byHour.values()].flatMap((hour) => {
    const alike = hour.toSorted((a, b) => (a.body < b.body ? -1 : 1))
    const groups: WordsToIndex[][] = []
    for (let at = 0; at < alike.length; at += GROUP) groups.push(alike.slice(at, at + GROUP))
    return groups
  })
}

/** What the index holds of such events. Most of their lines are the same, and are cut into words once. */
export function makeGroup(events: WordsToIndex[]): WordGroup {
  const lines = new Set<string>()
  for (const { body } of events) for (const line of body.split('\n')) lines.add(line)
  const words = new Set<string>()
  for (const line of lines) for (const word of wordsOf(line)) words.add(word)
  return {
    id: newId(),
    spans: events[0]!.spans,
    eventIds: events.map(({ id }) => id),
    words: [...words].join(' '),
  }
}
