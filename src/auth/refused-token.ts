import type { Token } from '../access.ts'
import { TempoError, unauthorized } from '../errors.ts'

/** 401 of a token that is known and not in force any more: what it tried to deliver is listed under its name. */
export class RefusedToken extends TempoError {
  readonly tokenId: string
  readonly tokenName: string

  constructor(reason: 'token_revoked' | 'token_expired', { id, name }: Pick<Token, 'id' | 'name'>) {
    const { code, status, title, message } = unauthorized(reason)
    super(code, status, title, message)
    this.tokenId = id
    this.tokenName = name
  }
}
