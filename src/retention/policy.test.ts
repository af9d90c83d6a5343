import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bandOf, isWithinProvider, SEVERITIES, severityRank } from '../event.ts'
import { parseRetention } from './parse.ts'
import { ageOf, planOf, type Retention, type Scope } from './policy.ts'

const POLICIES = [
  '365d',
  'info=90d, warning=1y, error=3y, critical=forever; com.a: info=30d; messages>16KiB=30d',
  'com.a: 30d; com.a.b: info=1y, error=forever; com.a.b.c: error=1d; com.ab: 2d',
  'messages>1KiB=1d; com.a: messages>1KiB=forever; com.a.b: messages>2KiB=3d; 1h',
]
const PROVIDERS = ['com.a', 'com.a.b', 'com.a.b.c', 'com.ab', 'com.a.bc', 'org']

function policyOf(text: string): Retention {
  const result = parseRetention(text)
  assert.ok('retention' in result)
  return result.retention
}

function holds({ provider, except, lowest, highest }: Scope, asked: string, rank: number): boolean {
  const isExcepted = except.some((root) => isWithinProvider(asked, root))
  return (
    (provider === null || isWithinProvider(asked, provider)) &&
    !isExcepted &&
    rank >= lowest &&
    rank <= highest
  )
}

test('the plan has each provider and severity in one scope at the most, with the age of the policy', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...POLICIES),
      fc.constantFrom(...PROVIDERS),
      fc.constantFrom(...SEVERITIES),
      (text, provider, severity) => {
        const policy = policyOf(text)
        const ages = planOf(policy).expiries.flatMap(({ ageMs, scopes }) =>
          scopes.filter((scope) => holds(scope, provider, severityRank(severity))).map(() => ageMs),
        )
        const age = ageOf(policy, provider, bandOf(severity))
        assert.deepEqual(ages, age === null ? [] : [age])
      },
    ),
    { numRuns: 300 },
  )
})

test('texts are cut by the most specific rule, and not where it says forever', () => {
  const { trims } = planOf(policyOf(POLICIES[3]!))
  const sizes = (provider: string) =>
    trims.filter(({ scopes }) => scopes.some((scope) => holds(scope, provider, 0))).map(({ bytes }) => bytes)
  assert.deepEqual(sizes('org'), [1024])
  assert.deepEqual(sizes('com.a'), [])
  assert.deepEqual(sizes('com.a.b.c'), [2048])
})
