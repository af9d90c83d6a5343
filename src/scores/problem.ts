/** What is wrong with a score, and where. */
import { jsonPath } from './path.ts'
import type { Positions, Target } from './positions.ts'

/** `at` leads to the value or key at fault; `meant` is the name that a mistyped one stands for. */
export type Fault = {
  at: readonly (string | number)[]
  target?: Target
  message: string
  meant?: string
}

/**
 * A fault as it is told: `path` is a JSON path such as `severityRules[2].match`; line and column are there when the
 * score came as a text.
 */
export type ScoreProblem = { path: string; message: string; meant?: string; line?: number; column?: number }

export function describeFault(fault: Fault, positions?: Positions): ScoreProblem {
  const { at, target, message, meant } = fault
  return { path: jsonPath(at), message, ...(meant && { meant }), ...positions?.of(at, target) }
}
