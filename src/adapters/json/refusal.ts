/** The answer to a body that cannot be read. */
import { invalidInput, invalidJson, type JsonFault } from '../../errors.ts'
import { type Fault, UNRENDERED } from './fault.ts'
import { placeOf } from './place.ts'

/** 422 with the place and the hint of a fault. */
export function refusal(text: string, fault: Fault): Error {
  if (fault.tooDeep) return invalidInput('body', [{ path: '', message: fault.reason }])
  // A log may well quote {{guestname}}; only the names that Proxmox hands to a template betray an unrendered one.
  const unrendered =
    /\{\{[{#~\s]{0,8}(?:(?:json|escape|url-encode|if|each|with)\s{1,8})?(?:title|message|severity|timestamp|fields|secrets)\b|\{%-?\s{0,8}(?:if|for|set|else|end[a-z]{1,8})\b/
  const hint = unrendered.test(text) ? UNRENDERED : fault.hint
  const place: JsonFault = placeOf(text, fault.at)
  return invalidJson(fault.reason, hint === undefined ? place : { ...place, hint })
}
