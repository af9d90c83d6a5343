/** A fault in a text that should be JSON, and the hints that help the sender to mend it. */

/** What breaks the JSON and where; `tooDeep` when it is only the nesting. */
export type Fault = { at: number; reason: string; hint?: string; tooDeep?: true }

export const UNESCAPED =
  'An unescaped quote or newline ended the text too early. Use {{ json message }} in the Proxmox template, ' +
  'with no quotes around it: it escapes the text and adds the quotes.'
export const UNRENDERED =
  'The sender did not run its template. The engine of Proxmox is Handlebars, so write {{ json title }}; ' +
  'the Tera form {{ title | json }} is refused by Proxmox, and other senders must fill in the values themselves.'
export const CUT_OFF =
  'The end of the body is missing: a closing quote or bracket was lost, or the sender cut it off.'
export const UNQUOTED =
  'Texts stand in double quotes. In the Proxmox template {{ json title }} adds them; {{ title }} does not.'
export const NO_VALUE =
  'The template gave nothing here. Use {{ json fields.hostname }}: it writes null when nothing is there.'
export const SINGLE_QUOTES =
  'JSON knows double quotes only. In Python send json.dumps(…); in a shell put the whole body in single quotes.'
export const LITERALS = 'JSON knows null, true and false, in lower case. In Python send json.dumps(…).'
export const OBJECT_ONLY = 'The body must be one JSON object, from { to }.'
export const UTF8_ONLY = 'Send the body as UTF-8.'
