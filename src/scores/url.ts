/** Which resolved links may be offered to a person; metadata must not smuggle in `javascript:`. */

/** The schemes of docs/scores, Actions. */
const SCHEMES = new Set(
  (
    'http https ssh sftp ftp mailto tel sms facetime facetime-audio obsidian bear things omnifocus ticktick notion ' +
    'todoist slack msteams zoom zoommtg tg discord vscode vscode-insiders cursor'
  ).split(' '),
)

/** Control characters (browsers drop some of them inside a scheme), marks that reorder text, spaces but the common. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}]|[^\S ]/u

const WEB = new Set(['http', 'https', 'ftp'])
const SHELL = new Set(['ssh', 'sftp'])

/** What programs behind ssh links read: a user or host that starts with `-` would be an option to them. */
const SHELL_TARGET =
  /^\/\/(?:[a-z0-9_][a-z0-9_.+-]*(?::[a-z0-9_.~%+-]*)?@)?(?:[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+\])(?::\d+)?(?:[/?#]|$)/i

/** Judges a resolved link: scheme, characters, and for web and shell links a host. */
export function isAllowedUrl(url: string): boolean {
  if (UNSAFE.test(url) || url !== url.trim()) return false
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]
  if (!scheme || !SCHEMES.has(scheme.toLowerCase())) return false
  const rest = url.slice(scheme.length + 1)
  if (WEB.has(scheme.toLowerCase())) return rest.startsWith('//') && URL.canParse(url)
  if (SHELL.has(scheme.toLowerCase())) return SHELL_TARGET.test(rest)
  return rest !== ''
}
