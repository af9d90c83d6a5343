import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseVzdumpCommand } from './command-line.ts'

test('guests and options of a command as pve-manager writes it', () => {
  const line =
    "vzdump 100 101 --storage backup-nfs --mode snapshot --compress zstd --notes-template '{{guestname}}' " +
    "--quiet 1 --prune-backups 'keep-daily=7,keep-weekly=4' --fleecing 0 --node pve1"
  assert.deepEqual(parseVzdumpCommand(line), {
    line,
    vmids: [100, 101],
    all: false,
    pool: null,
    storage: 'backup-nfs',
    mode: 'snapshot',
    compress: 'zstd',
    node: 'pve1',
  })
})

test('all guests, or those of a pool', () => {
  assert.equal(parseVzdumpCommand('vzdump --all 1 --storage a')?.all, true)
  assert.equal(parseVzdumpCommand('vzdump --all --storage a')?.all, true)
  assert.equal(parseVzdumpCommand('vzdump --all 0 100')?.all, false)
  assert.equal(parseVzdumpCommand('vzdump --pool=prod')?.pool, 'prod')
})

test('quotes are those of a shell', () => {
  assert.equal(parseVzdumpCommand(`vzdump --pool 'a b'"c d"\\ e`)?.pool, 'a bc d e')
  assert.equal(parseVzdumpCommand("vzdump --notes-template 'it'\\''s --storage x' --storage y")?.storage, 'y')
  assert.equal(parseVzdumpCommand('vzdump --storage "open')?.storage, '"open')
  assert.equal(parseVzdumpCommand('vzdump --pool "a \\" b"')?.pool, 'a " b')
})

test('anything else is no command of vzdump', () => {
  for (const line of ['', 'vzdumpx 100', 'echo vzdump 100', '100: vzdump 100', ' vzdump 1']) {
    assert.equal(parseVzdumpCommand(line), null, line)
  }
})
