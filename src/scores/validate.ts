/** Whether a score file follows the format, and if not, where and what was meant. */

import { Ajv, type ErrorObject } from 'ajv'
import schema from '../../scores/tempo-score.schema.json' with { type: 'json' }
import { closestName } from '../closest.ts'
import type { ScoreFile } from './format.ts'
import { lintScore } from './lint.ts'
import { pointerNames } from './path.ts'
import { createPositions } from './positions.ts'
import { describeFault, type Fault, type ScoreProblem } from './problem.ts'

const check = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile<ScoreFile>(schema)

/** A broken file of a thousand rules has a thousand problems; nobody reads on after these. */
const MOST_PROBLEMS = 100

/** Checks parsed JSON against the schema, and then what a schema cannot say; `json` is its text, if there is one. */
export function validateScore(
  value: unknown,
  json?: string,
): { score: ScoreFile } | { problems: ScoreProblem[] } {
  const faults = check(value) ? lintScore(value) : check.errors!.map(faultOf)
  if (faults.length === 0) return { score: value as ScoreFile }
  const positions = json === undefined ? undefined : createPositions(json)
  return { problems: faults.slice(0, MOST_PROBLEMS).map((fault) => describeFault(fault, positions)) }
}

function faultOf(error: ErrorObject): Fault {
  const at = pointerNames(error.instancePath)
  const { params, parentSchema } = error
  switch (error.keyword) {
    case 'additionalProperties': {
      const name: string = params.additionalProperty
      const meant = closestName(name, Object.keys(parentSchema?.properties ?? {}))
      const message = 'is not a key of the format'
      return { at: [...at, name], target: 'key', message, ...(meant && { meant }) }
    }
    case 'required':
      return { at: [...at, params.missingProperty], message: 'is missing' }
    case 'enum': {
      const allowed: string[] = params.allowedValues
      const meant = typeof error.data === 'string' && closestName(error.data, allowed)
      return { at, message: `must be one of ${allowed.join(', ')}`, ...(meant && { meant }) }
    }
    case 'minProperties':
    case 'maxProperties': {
      const names = Object.keys(parentSchema?.properties ?? {})
      return { at, message: `must have exactly one of ${names.join(', ')}` }
    }
    case 'pattern':
      return { at, message: patternMessage(params.pattern) }
    case 'type':
      return { at, message: `must be ${[params.type].flat().join(' or ')}` }
    case 'minLength':
    case 'minItems':
      return {
        at,
        message: params.limit > 1 ? `must have at least ${params.limit} characters` : 'must not be empty',
      }
    default:
      return { at, message: error.message ?? 'is not valid' }
  }
}

const { color, duration } = schema.definitions

function patternMessage(pattern: string): string {
  if (pattern === color.pattern) return 'must be a colour such as #E57000'
  if (pattern === duration.pattern) return 'must be a duration such as 15m, 6h, 1d or 1w, or empty for no end'
  return 'must be lower-case letters and digits, joined by single dots, dashes or underscores, such as com.proxmox'
}
