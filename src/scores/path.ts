/** JSON paths as people read them: `severityRules[2].match`, `match["a b"]`. */

export function jsonPath(names: readonly (string | number)[]): string {
  return names.reduce<string>((path, name) => {
    if (/^\d+$/.test(String(name))) return `${path}[${name}]`
    if (!/^[\w$]+$/.test(String(name))) return `${path}[${JSON.stringify(name)}]`
    return path === '' ? String(name) : `${path}.${name}`
  }, '')
}

/** The names in a JSON pointer (RFC 6901), in which `~1` is `/` and `~0` is `~`. */
export function pointerNames(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}
