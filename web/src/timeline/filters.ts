/** What the timeline is narrowed to; it stands in the address, so that a link shows the same to a colleague. */
export type Filters = {
  provider: string
  node: string
  vmid: string
  severity: string
  state: string
  q: string
  from: string
  to: string
}

export const NO_FILTERS: Filters = {
  provider: '',
  node: '',
  vmid: '',
  severity: '',
  state: '',
  q: '',
  from: '',
  to: '',
}

const KEYS = Object.keys(NO_FILTERS) as (keyof Filters)[]

/** Reads the filters out of the address's query; anything else in it is left alone. */
export function readFilters(search: string): Filters {
  const query = new URLSearchParams(search)
  return Object.fromEntries(KEYS.map((key) => [key, query.get(key) ?? ''])) as Filters
}

/** The query of an address that means these filters. */
export function writeFilters(filters: Filters): string {
  const query = new URLSearchParams()
  for (const key of KEYS) if (filters[key]) query.set(key, filters[key])
  const text = query.toString()
  return text && `?${text}`
}

/** The filters as the API takes them: days of the viewer's zone become instants, the last one included. */
export function apiQuery(filters: Filters): Record<string, string> {
  const { from, to, ...rest } = filters
  const query: Record<string, string> = {}
  for (const [key, value] of Object.entries(rest)) if (value) query[key] = value
  if (isDay(from)) query.from = new Date(`${from}T00:00:00`).toISOString()
  if (isDay(to)) {
    const end = new Date(`${to}T00:00:00`)
    end.setDate(end.getDate() + 1)
    query.to = end.toISOString()
  }
  return query
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
}

/** `2026-04-29` of an instant, in the viewer's zone. */
export function dayOf(at: string | number | Date): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
