/** Who sends the event. */
import { isProviderIdentifier, PROVIDER_MAX_LENGTH, PROVIDER_MIN_LENGTH } from '../../event.ts'
import type { Findings } from './findings.ts'
import { isAbsent, kindOf, quote } from './value.ts'

/** `fallback` is the provider of the token; `meant` says which unknown key probably meant this one. */
export function readProvider(
  value: unknown,
  fallback: string | null,
  meant: ReadonlyMap<string, string>,
  found: Findings,
): string {
  if (isAbsent(value)) {
    if (fallback !== null) return fallback
    const misnamed = meant.get('providerIdentifier')
    const advice = misnamed === undefined ? 'add it' : `rename ${quote(misnamed)} to it`
    found.error(
      'providerIdentifier',
      `is missing; ${advice} ("com.proxmox"), or use a token that is bound to one provider`,
    )
    return ''
  }
  if (typeof value !== 'string') {
    found.error('providerIdentifier', `must be a text such as "com.proxmox", not ${kindOf(value)}`)
    return ''
  }
  const provider = value.trim()
  if (isProviderIdentifier(provider)) return provider
  const lower = provider.toLowerCase()
  const suggestion = isProviderIdentifier(lower) ? `; did you mean ${quote(lower)}?` : ''
  found.error(
    'providerIdentifier',
    `${quote(provider)} is not an identifier: ${PROVIDER_MIN_LENGTH} to ${PROVIDER_MAX_LENGTH} characters, ` +
      `lower-case letters and digits in parts joined by single dots, dashes or underscores${suggestion}`,
  )
  return ''
}
