import { useMemo } from 'preact/hooks'
import { CopyButton } from './copy.tsx'
import './log-view.css'

type LogProps = { text: string; label: string /** It is no log: no line stands out. */; isPlain?: boolean }

/** A text of a machine, in the letters of a terminal; lines of warnings and errors stand out. */
export function LogView({ text, label, isPlain }: LogProps) {
  const lines = useMemo(() => text.replace(/\s+$/, '').split('\n'), [text])
  return (
    <section class="log" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
      <pre class="log-text foreign" tabIndex={0}>
        {lines.map((line, index) => (
          <span key={index} data-level={isPlain ? undefined : levelOf(line)}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
      <CopyButton text={text} label="Copy" what="Copied" class="small" />
    </section>
  )
}

function levelOf(line: string): string | undefined {
  if (/\b(error|failed|fatal)\b/i.test(line)) return 'error'
  if (/\bwarn(ing)?\b/i.test(line)) return 'warning'
  return undefined
}
