import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCatalog } from './catalog.ts'

const catalog = createCatalog(
  ['scripts', 'com.proxmox', 'com.proxmox.backup'].map((providerIdentifier, n) => ({
    providerIdentifier,
    displayName: `Name ${n}`,
    ...(n > 0 && { color: '#E57000' }),
  })),
)

test('a provider’s score is its own, else that of the nearest above it by dots', () => {
  const foundAs = (provider: string) => catalog.find(provider)?.foundAs
  assert.equal(foundAs('scripts.bash.disk'), 'scripts')
  assert.equal(foundAs('com.proxmox'), 'com.proxmox')
  assert.equal(foundAs('com.proxmox.backup.x'), 'com.proxmox.backup')
  assert.equal(foundAs('com.proxmox-x'), undefined)
  assert.equal(foundAs('com.proxmox_x.y'), undefined)
  assert.equal(foundAs('com'), undefined)
  assert.equal(foundAs('constructor'), undefined)
})

test('a provider without a score has its identifier for a name and a neutral colour', () => {
  assert.deepEqual(catalog.nameOf('org.example'), { displayName: 'org.example', color: '#8E8E93' })
  assert.deepEqual(catalog.nameOf('scripts.x'), { displayName: 'Name 0', color: '#8E8E93' })
  assert.deepEqual(catalog.nameOf('com.proxmox'), { displayName: 'Name 1', color: '#E57000' })
})

test('of two scores with one identifier the later counts', () => {
  const both = createCatalog(['A', 'B'].map((displayName) => ({ providerIdentifier: 'abc', displayName })))
  assert.deepEqual(
    both.list().map(({ displayName }) => displayName),
    ['B'],
  )
})

test('scores are listed by identifier', () => {
  assert.deepEqual(
    catalog.list().map(({ provider }) => provider),
    ['com.proxmox', 'com.proxmox.backup', 'scripts'],
  )
})
