/** Whether a score file follows the format, and if not, where and what was meant. */
import { Ajv, type ErrorObject } from 'ajv'
import schema from '../../scores/tempo-score.schema.json' with { type: 'json' }
import { closestName } from './closest.ts'
import type { ScoreFile } from './format.ts'
import { lintScore, type ScoreProblem } from './lint.ts'
import { jsonPath, pointerNames } from './path.ts'

const check = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile<ScoreFile>(schema)

/** Checks parsed JSON against the schema, and then what a schema cannot say. */
export function validateScore(value: unknown): { score: ScoreFile } | { problems: ScoreProblem[] } {
  if (!check(value)) return { problems: check.errors!.map(describe) }
  const problems = lintScore(value)
  return problems.length > 0 ? { problems } : { score: value }
}

function describe(error: ErrorObject): ScoreProblem {
  const at = pointerNames(error.instancePath)
  const { params, parentSchema } = error
  switch (error.keyword) {
    case 'additionalProperties': {
      const name: string = params.additionalProperty
      const meant = closestName(name, Object.keys(parentSchema?.properties ?? {}))
      return { path: jsonPath([...at, name]), message: 'is not a key of the format', ...(meant && { meant }) }
    }
    case 'required':
      return { path: jsonPath([...at, params.missingProperty]), message: 'is missing' }
    case 'enum': {
      const allowed: string[] = params.allowedValues
      const meant = typeof error.data === 'string' && closestName(error.data, allowed)
      return { path: jsonPath(at), message: `must be one of ${allowed.join(', ')}`, ...(meant && { meant }) }
    }
    case 'minProperties':
    case 'maxProperties': {
      const names = Object.keys(parentSchema?.properties ?? {})
      return { path: jsonPath(at), message: `must have exactly one of ${names.join(', ')}` }
    }
    case 'pattern':
      return { path: jsonPath(at), message: patternMessage(params.pattern) }
    case 'type':
      return { path: jsonPath(at), message: `must be ${[params.type].flat().join(' or ')}` }
    case 'minLength':
    case 'minItems':
      return {
        path: jsonPath(at),
        message: params.limit > 1 ? `must have at least ${params.limit} characters` : 'must not be empty',
      }
    default:
      return { path: jsonPath(at), message: error.message ?? 'is not valid' }
  }
}

const { color, duration } = schema.definitions

function patternMessage(pattern: string): string {
  if (pattern === color.pattern) return 'must be a colour such as #E57000'
  if (pattern === duration.pattern) return 'must be a duration such as 15m, 6h, 1d or 1w, or empty for no end'
  return 'must be lower-case letters and digits, joined by single dots, dashes or underscores, such as com.proxmox'
}
