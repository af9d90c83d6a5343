/**
 * SQLSTATEs of a race that a second try wins, since it sees what the other wrote: serialization failure, deadlock,
 * exclusion violation, unique violation (PostgreSQL, Appendix A).
 */
const RACES = new Set(['40001', '40P01', '23P01', '23505'])
const MAX_TRIES = 3

/** Thrown when what was found a moment ago is gone: whoever took it away held no lock, and a second try sees it. */
export class LostRace extends Error {
  readonly code = '40001'
}

/** Runs a transaction again when another one was in its way. */
export async function retryRaces<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction()
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code
      if (tries >= MAX_TRIES || typeof code !== 'string' || !RACES.has(code)) throw error
    }
  }
}
