/** The request bodies in test/fixtures, a folder a dialect, as bytes that a sender would post. */
import { readdirSync, readFileSync } from 'node:fs'

const FIXTURES = new URL('../fixtures/', import.meta.url)

/** Every body of a dialect; `name` is its path in test/fixtures. */
export function loadFixtures(dialect: string): { name: string; bytes: Buffer }[] {
  return readdirSync(new URL(`${dialect}/`, FIXTURES)).map((name) => ({
    name: `${dialect}/${name}`,
    bytes: readFileSync(new URL(`${dialect}/${name}`, FIXTURES)),
  }))
}

/** One body, by its path in test/fixtures. */
export function readFixture(path: string): Buffer {
  return readFileSync(new URL(path, FIXTURES))
}
