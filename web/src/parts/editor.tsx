import { useEffect, useRef } from 'preact/hooks'
import './editor.css'

/** A place in the text; both count from 1. */
export type Mark = { line: number; column: number }

type EditorProps = {
  label: string
  value: string
  onInput: (value: string) => void
  /** What is wrong where: the lines stand out, and a button leads to each. */
  marks?: Mark[]
  isReadOnly?: boolean
  rows?: number
}

const MAX_ROWS = 32
const MARKS_SHOWN = 5

/** A plain text field with line numbers; long lines are not folded, so that columns are where they are said to be. */
export function Editor({ label, value, onInput, marks = [], isReadOnly = false, rows = 8 }: EditorProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  const gutter = useRef<HTMLPreElement>(null)
  const count = value.split('\n').length
  const marked = new Set(marks.map(({ line }) => line))
  const reveal = (line: number) => {
    const element = area.current
    if (!element) return
    const lineHeight = Number.parseFloat(getComputedStyle(element).lineHeight)
    element.scrollTop = (line - 1) * lineHeight - element.clientHeight / 2
  }
  const goTo = (mark: Mark) => {
    const at = offsetOf(value, mark)
    area.current?.focus()
    area.current?.setSelectionRange(at, Math.min(at + 1, value.length))
    reveal(mark.line)
  }
  const first = marks[0]?.line
  useEffect(() => {
    if (first) reveal(first)
  }, [first])
  return (
    <div class="editor">
      {marks.length > 0 && (
        <div class="editor-marks">
          {marks.slice(0, MARKS_SHOWN).map((mark) => (
            <button
              type="button"
              class="button small"
              key={`${mark.line} ${mark.column}`}
              onClick={() => goTo(mark)}
            >
              Go to line {mark.line}, column {mark.column}
            </button>
          ))}
        </div>
      )}
      <div class="editor-box">
        <pre class="editor-gutter numeric" ref={gutter} aria-hidden="true">
          {numbersOf(count, marked).map((part) => (
            <span key={part.from} data-marked={part.isMarked}>
              {part.text}
            </span>
          ))}
        </pre>
        <textarea
          ref={area}
          class="editor-text"
          aria-label={label}
          value={value}
          readOnly={isReadOnly}
          rows={Math.min(Math.max(count + 1, rows), MAX_ROWS)}
          wrap="off"
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          onInput={(event) => onInput(event.currentTarget.value)}
          onScroll={(event) => {
            if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop
          }}
        />
      </div>
    </div>
  )
}

type Numbers = { from: number; text: string; isMarked: boolean }

/** The numbers of all lines in few elements: a body may have thousands of lines. */
function numbersOf(count: number, marked: Set<number>): Numbers[] {
  const parts: Numbers[] = []
  for (let line = 1; line <= count; line++) {
    const last = parts.at(-1)
    const isMarked = marked.has(line)
    if (last && !isMarked && !last.isMarked) last.text += `\n${line}`
    else parts.push({ from: line, text: String(line), isMarked })
  }
  return parts
}

function offsetOf(text: string, { line, column }: Mark): number {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
  return Math.min(before + Math.max(column - 1, 0), text.length)
}
