/**
 * Reads which modules a TypeScript file names, without a compiler: TypeScript 7 has no parser to call, and stripping the
 * types first would lose `import type`, which counts here. Text that it cannot read is an error, never an empty answer.
 */
export type Token = {
  kind: 'word' | 'string' | 'number' | 'regex' | 'template' | 'punct'
  text: string
  line: number
}

/** `specifier` is undefined where it is computed (`import(name)`). */
export type Import = { specifier: string | undefined; typeOnly: boolean; line: number }

const BLANK = /(?:\s|^#!.*|\/\/.*|\/\*[\s\S]*?\*\/)+/y
const WORD = /#?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy
const NUMBER = /\.?\d[\w.]*/y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
const PUNCT = /\+\+|--|[{}()[\];,<>=!+\-*/%&|^~?:.@]/y

/** Words after which a slash starts a regular expression; after any other word it divides. */
const BEFORE_EXPRESSION = new Set(
  'return typeof instanceof in of new delete void throw case do else await yield default'.split(' '),
)

export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  const braces: ('block' | 'template')[] = []
  const parens: boolean[] = []
  let at = 0
  let line = 1
  let afterOperand = false

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (!text) return undefined
    at += text.length
    line += text.split('\n').length - 1
    return text
  }
  const push = (kind: Token['kind'], text: string | undefined, operand: boolean): boolean => {
    if (text === undefined) return false
    tokens.push({ kind, text, line })
    afterOperand = operand
    return true
  }
  const takeTemplate = (opening: '`' | '}'): void => {
    const text = take(TEMPLATE)
    if (text === undefined) throw new SyntaxError(`line ${line}: a template literal does not end`)
    const ends = text.endsWith('`')
    if (!ends) braces.push('template')
    const whole = ends && opening === '`'
    push(whole ? 'string' : 'template', whole ? `\`${text}` : text, ends)
  }
  const takePunct = (): boolean => {
    const isControl = ['if', 'while', 'for', 'with'].includes(tokens.at(-1)?.text ?? '')
    const text = take(PUNCT)
    if (text === '(') parens.push(isControl)
    if (text === '{') braces.push('block')
    if (text === '}' && braces.pop() === 'template') {
      takeTemplate('}')
      return true
    }
    if (text === ')') return push('punct', text, !parens.pop())
    // `a! / b` and `a++ / b` divide, `!/a/` does not: these leave what stood before them.
    const keeps = text === '!' || text === '++' || text === '--'
    return push('punct', text, keeps ? afterOperand : text === ']')
  }

  while (at < source.length) {
    if (take(BLANK)) continue
    const word = take(WORD)
    if (word) push('word', word, !BEFORE_EXPRESSION.has(word) || tokens.at(-1)?.text === '.')
    else if (push('number', take(NUMBER), true) || push('string', take(STRING), true)) continue
    else if (source[at] === '`') {
      at++
      takeTemplate('`')
    } else if (source[at] === '/' && !afterOperand) {
      if (!push('regex', take(REGEX), true))
        throw new SyntaxError(`line ${line}: a slash that cannot be read`)
    } else if (!takePunct()) {
      throw new SyntaxError(`line ${line}: cannot be read from ${JSON.stringify(source.slice(at, at + 20))}`)
    }
  }
  if (braces.length > 0) throw new SyntaxError('a brace does not close')
  return tokens
}

/** Index of the specifier of `import a, { b } from 'c'`, from the token after `import` or `export`. */
function findFrom(tokens: Token[], start: number): number | undefined {
  let isOpen = false
  for (let i = start; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!
    if (!isOpen && text === 'from' && tokens[i + 1]?.kind === 'string') return i + 1
    if (text === '{') isOpen = true
    else if (text === '}' && tokens[i + 1]?.text === 'from') isOpen = false
    else if (kind !== 'word' && kind !== 'string' && text !== ',' && text !== '*') return undefined
  }
  return undefined
}

export function readImports(tokens: Token[]): Import[] {
  const imports: Import[] = []
  for (const [i, token] of tokens.entries()) {
    const isProperty = tokens[i - 1]?.text === '.' && tokens[i - 2]?.text !== '.'
    if (token.kind !== 'word' || isProperty) continue
    const next = tokens[i + 1]
    const add = (named: Token | undefined, typeOnly = false): void => {
      const specifier = named?.kind === 'string' ? named.text.slice(1, -1) : undefined
      imports.push({ specifier, typeOnly, line: token.line })
    }
    const isCall = next?.text === '('
    const isLiteralCall =
      isCall && tokens[i + 2]?.kind === 'string' && /^[),]$/.test(tokens[i + 3]?.text ?? '')
    if (token.text === 'require' && isCall) add(isLiteralCall ? tokens[i + 2] : undefined)
    if (token.text === 'import' && isCall) add(isLiteralCall ? tokens[i + 2] : undefined)
    else if (token.text === 'import' && next?.kind === 'string') add(next)
    else if (token.text === 'import' || token.text === 'export') {
      const isType = next?.text === 'type' && tokens[i + 2]?.text !== 'from' && tokens[i + 2]?.text !== ','
      const first = tokens[i + (isType ? 2 : 1)]
      if (token.text === 'export' && first?.text !== '{' && first?.text !== '*') continue
      const found = findFrom(tokens, i + (isType ? 2 : 1))
      if (found !== undefined) add(tokens[found], isType)
    }
  }
  return imports
}

/** Lines that reach for the environment of the process. */
export function readEnvUses(tokens: Token[]): number[] {
  const uses = tokens.filter((token, i) => {
    if (token.text !== 'process' || token.kind !== 'word') return false
    const after = tokens
      .slice(i + 1, i + 5)
      .map((next) => next.text)
      .join(' ')
    const isTakenApart = tokens[i - 1]?.text === '=' && tokens[i - 2]?.text === '}'
    return /^((\? )?\. env( |$)|(\? \. )?\[ ['"`]env['"`])/.test(after) || isTakenApart
  })
  return uses.map((token) => token.line)
}
