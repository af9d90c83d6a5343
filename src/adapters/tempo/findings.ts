/** What reading one payload gave so far. */
import type { FieldError } from '../../errors.ts'

/** Warnings that are listed; of the rest only the number is given. */
export const MAX_WARNINGS = 20
/** Errors that are listed; the rest is left out. */
const MAX_ERRORS = 50

/** Errors and warnings of one payload, as many as a person reads; every reader of a field adds to it. */
export class Findings {
  readonly errors: FieldError[] = []
  readonly #warnings: string[] = []
  #unlisted = 0

  error(path: string, message: string): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push({ path, message })
  }

  warn(text: string): void {
    if (this.#warnings.length < MAX_WARNINGS) this.#warnings.push(text)
    else this.#unlisted++
  }

  get warnings(): string[] {
    return this.#unlisted === 0 ? this.#warnings : [...this.#warnings, `and ${this.#unlisted} more`]
  }
}
