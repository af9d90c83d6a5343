import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closestName, editDistance } from './closest.ts'

test('the closest name is the one with few typing errors', () => {
  const names = ['grouping', 'groupingRules', 'groupingWindow', 'color']
  assert.equal(closestName('gruoping', names), 'grouping')
  assert.equal(closestName('GROUPINGRULES', names), 'groupingRules')
  assert.equal(closestName('groupingWindw', names), 'groupingWindow')
  assert.equal(closestName('colour', names), 'color')
  assert.equal(closestName('surface', names), undefined)
})

test('insertions, deletions and substitutions count one each, a swap of neighbours what is asked for', () => {
  for (const swapCost of [1, 2] as const) {
    assert.equal(editDistance('', '', swapCost), 0)
    assert.equal(editDistance('', 'abc', swapCost), 3)
    assert.equal(editDistance('color', 'colour', swapCost), 1)
    assert.equal(editDistance('kitten', 'sitting', swapCost), 3)
    assert.equal(editDistance('titel', 'title', swapCost), swapCost)
  }
})
