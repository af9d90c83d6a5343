/** Bodies and their refusals for the tests of this folder. */
import assert from 'node:assert/strict'
import { TempoError } from '../../errors.ts'
import { type ReadBody, readJsonBody } from '../json.ts'

export function read(text: string): ReadBody {
  return readJsonBody(Buffer.from(text))
}

/** The refusal of a body, flattened to what the sender sees. */
export function refusalOf(body: string | Uint8Array) {
  try {
    readJsonBody(typeof body === 'string' ? Buffer.from(body) : body)
  } catch (error) {
    assert.ok(error instanceof TempoError, String(error))
    assert.equal(error.status, 422)
    const { line, column, excerpt, hint } = error.extra
    return {
      code: error.code,
      detail: error.message,
      line,
      column,
      excerpt: String(excerpt),
      hint: String(hint),
    }
  }
  return assert.fail('was not refused')
}

/** A body that is not JSON, and what must be said about it; `line` is 1 when left out. */
export type BrokenBody = { body: string; reason: string; line?: number; column: number; hint?: RegExp }

/** The refusal names this reason at this place, in a short excerpt and with a hint. */
export function assertFault(fault: BrokenBody): void {
  const { code, detail, line, column, excerpt, hint } = refusalOf(fault.body)
  const where = { line: fault.line ?? 1, column: fault.column }
  assert.deepEqual({ code, line, column }, { code: 'invalid_json', ...where })
  assert.equal(detail, `The body is not JSON: ${fault.reason} at line ${where.line}, column ${where.column}.`)
  assert.ok(excerpt.length <= 120 && !/[\u0000-\u001f]/.test(excerpt), excerpt)
  assert.match(hint, fault.hint ?? /./)
}
