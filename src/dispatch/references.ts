/** `${…}` in the texts of a file: values that do not belong in it. */

/** What references stand for; each gives null when there is no such thing. */
export type Sources = {
  /** A variable of the environment. */
  variable: (name: string) => string | null
  /** The content of a file, by its path. */
  file: (path: string) => string | null
}

const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/
const FILE = /^file:(.+)$/

/**
 * The text with `${NAME}`, `${NAME:-default}` and `${file:PATH}` replaced, and `$${` as a plain `${`; what was put in is
 * not looked at again. Names that are empty or not there are problems, which repeat no value.
 */
export function resolveReferences(
  text: string,
  { variable, file }: Sources,
): { text: string; problems: string[] } {
  const problems: string[] = []
  const fail = (problem: string) => {
    problems.push(problem)
    return ''
  }
  const resolved = text.replace(REFERENCE, (whole, inner: string | undefined) => {
    if (whole === '$${') return '${'
    const [, name, fallback] = VARIABLE.exec(inner ?? '') ?? []
    if (name !== undefined) {
      return variable(name) || fallback || fail(`the variable ${name} is not set, or is empty`)
    }
    const [, path] = FILE.exec(inner ?? '') ?? []
    if (path !== undefined) {
      return file(path)?.trim() || fail(`the file ${path} cannot be read, or is empty`)
    }
    return fail('${ begins a reference such as ${NAME} or ${file:PATH}; write $${ for the two characters')
  })
  return { text: resolved, problems }
}
