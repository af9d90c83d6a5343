import { useMemo, useState } from 'preact/hooks'
import { CopyButton } from '../parts/copy.tsx'

/** Lines shown at first; a backup report has thousands. */
const SHOWN = 400
const MAX_HITS = 500

/** A long text as it was sent, in the letters of a terminal, with a search of its own. */
export function Message({ text }: { text: string }) {
  const [words, setWords] = useState('')
  const [isWhole, setWhole] = useState(false)
  const lines = useMemo(() => text.replace(/^\s*\n|\s+$/g, '').split('\n'), [text])
  const needle = words.trim().toLowerCase()
  const hits = needle ? lines.filter((line) => line.toLowerCase().includes(needle)).slice(0, MAX_HITS) : null
  const shown = hits ?? (isWhole ? lines : lines.slice(0, SHOWN))
  return (
    <section class="message" aria-label="Message">
      <header>
        <h4>Message</h4>
        <input
          class="input small"
          type="search"
          placeholder="Find in message"
          aria-label="Find in message"
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        <CopyButton text={text} what="Message copied" />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
      <pre class="message-text" tabIndex={0}>
        {shown.map((line, index) => (
          <span class="line" key={index}>
            <Marked line={line} needle={needle} />
            {'\n'}
          </span>
        ))}
      </pre>
      {hits && <p class="small soft">{hits.length === 0 ? 'No line has that' : `${hits.length} lines`}</p>}
      {!hits && !isWhole && lines.length > SHOWN && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          All {lines.length} lines
        </button>
      )}
    </section>
  )
}

function Marked({ line, needle }: { line: string; needle: string }) {
  const at = needle ? line.toLowerCase().indexOf(needle) : -1
  if (at < 0) return <>{line}</>
  return (
    <>
      {line.slice(0, at)}
      <mark>{line.slice(at, at + needle.length)}</mark>
      {line.slice(at + needle.length)}
    </>
  )
}
