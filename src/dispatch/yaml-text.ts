/** A text in YAML as a value, with the places of what is in it. Pure; no message repeats the text, which may hold secrets. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'

/** Counted from 1. */
export type Place = { line: number; column: number }

export type ReadYaml =
  | { problems: (Place & { message: string })[] }
  | {
      value: unknown
      /** Where something is, or the innermost around it that is there; of a field, where its name is. */
      placeOf: (path: readonly PropertyKey[]) => Place
    }

const QUOTE_IT = '; between { and } a reference needs quotes: "${NAME}"'

/** Each field may be there once, and aliases must not grow beyond measure. */
export function readYaml(source: string): ReadYaml {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const problems: (Place & { message: string })[] = []
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: line || 1, column: col || 1 }
  }
  for (const { pos, message, code } of tellingErrors(document)) {
    const line = source.slice(source.lastIndexOf('\n', pos[0] - 1) + 1).split('\n', 1)[0]!
    const hint = /\{.*[^"']\$\{/.test(line) ? QUOTE_IT : ''
    problems.push({ ...at(pos[0]), message: describe(code, message) + hint })
  }
  visit(document, {
    Alias: (_, alias) => {
      if (!alias.resolve(document))
        problems.push({
          ...at(startOf(alias) ?? 0),
          message: `there is no anchor &${alias.source} before it`,
        })
    },
  })
  if (problems.length > 0) return { problems }
  const read = contentOf(document)
  if (!read) return { problems: [{ line: 1, column: 1, message: 'has too many aliases' }] }
  return { value: read.value, placeOf: (path) => at(offsetOf(document, path)) }
}

/** Whatever follows the first fault of the form follows from it. */
function tellingErrors({ errors }: Document) {
  const first = errors.findIndex(({ code }) => code !== 'DUPLICATE_KEY')
  return first < 0 ? errors : errors.slice(0, first + 1)
}

/** Without the excerpts of the file, which may hold a secret. */
function describe(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this field is there twice; keep one of them'
  if (code === 'MULTIPLE_DOCS') return 'there is more than one document; remove the line ---'
  if (code === 'TAB_AS_INDENT') return 'tabs cannot indent; use blanks'
  return `is not YAML: ${message.replace(/: ?["'`][\s\S]*$/, '').replace(/ in YAML stream$/, '')}`
}

function contentOf(document: Document): { value: unknown } | null {
  try {
    return { value: document.toJS() }
  } catch {
    // It refuses aliases that grow beyond measure.
    return null
  }
}

/** Offset of what stands at a path, or of the innermost that is there; of a field that is its name. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const part of path) {
    if (isAlias(node))
      node = (node as { resolve: (document: Document) => Node | undefined }).resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (!pair) return offset
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(part)]
      offset = startOf(node) ?? offset
    } else return offset
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
