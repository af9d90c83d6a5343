import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { TempoError } from '../errors.ts'
import { createVault, openServerVault, openVault, secretKeyPath, type Vault } from './vault.ts'

const KEY = 'a chosen key of at least 32 characters'
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tempo-vault-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const isOtherKey = (error: unknown): boolean =>
  error instanceof TempoError && error.code === 'other_key' && /sealed with another key/.test(error.message)

test('what is sealed opens under the same key and context, whatever the text', async () => {
  const vault = await openVault({ key: KEY, dataDir: folder })
  const again = await openVault({ key: KEY, dataDir: folder })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, context) => {
      assert.equal(again.open(vault.seal(text, context), context), text)
    }),
  )
})

test('another key, another context and a changed byte open nothing', async () => {
  const vault = createVault(Buffer.alloc(32, 1))
  const other = createVault(Buffer.alloc(32, 2))
  const sealed = vault.seal('s3cret', 'token 1')
  assert.throws(() => other.open(sealed, 'token 1'), isOtherKey)
  assert.throws(() => vault.open(sealed, 'token 2'), isOtherKey)
  for (let at = 0; at < sealed.length; at++) {
    const damaged = Buffer.from(sealed)
    damaged[at]! ^= 1
    assert.throws(() => vault.open(damaged, 'token 1'), isOtherKey, `byte ${at}`)
    assert.throws(() => vault.open(sealed.subarray(0, at), 'token 1'), isOtherKey, `cut at ${at}`)
  }
})

test('the same text is never sealed alike, and does not stand in what is stored', () => {
  const vault = createVault(Buffer.alloc(32, 1))
  const sealed = Array.from({ length: 50 }, () => Buffer.from(vault.seal('s3cret', 'x')).toString('latin1'))
  assert.equal(new Set(sealed).size, 50)
  assert.ok(sealed.every((text) => !text.includes('s3cret') && text.charCodeAt(0) === 1))
})

test('without a key of the settings one is made in the data folder, for its owner alone', async () => {
  const dataDir = join(folder, 'made', 'deep')
  const first = await openVault({ key: null, dataDir })
  const path = secretKeyPath(dataDir)
  const text = await readFile(path, 'utf8')
  assert.equal(Buffer.from(text.trim(), 'base64').length, 32)
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
  const second = await openVault({ key: null, dataDir })
  assert.equal(second.open(first.seal('x', 'y'), 'y'), 'x')
  assert.equal(await readFile(path, 'utf8'), text)
})

test('servers that start at once share one key and leave nothing behind', async () => {
  const dataDir = join(folder, 'race')
  const vaults = await Promise.all(Array.from({ length: 20 }, () => openVault({ key: null, dataDir })))
  const sealed = vaults[0]!.seal('x', 'y')
  for (const vault of vaults) assert.equal(vault.open(sealed, 'y'), 'x')
  assert.deepEqual(await readdir(dataDir), ['secret-key'])
})

test('the vault of a server leaves nothing behind before it may, and then has the key that others have', async () => {
  const dataDir = join(folder, 'waiting')
  const waiting = await openServerVault({ key: null, dataDir })
  assert.throws(() => waiting.seal('x', 'y'), /No secret can be kept yet/)
  await assert.rejects(stat(dataDir), /ENOENT/)
  const other = await openVault({ key: null, dataDir })
  assert.throws(() => waiting.open(other.seal('x', 'y'), 'y'), isOtherKey)
  await waiting.ensureKey()
  assert.equal(waiting.open(other.seal('x', 'y'), 'y'), 'x')
  const next = await openServerVault({ key: null, dataDir })
  assert.equal(next.open(waiting.seal('x', 'y'), 'y'), 'x')
  const chosen = await openServerVault({ key: KEY, dataDir: join(folder, 'none') })
  await chosen.ensureKey()
  assert.equal(chosen.open(chosen.seal('x', 'y'), 'y'), 'x')
  await assert.rejects(stat(join(folder, 'none')), /ENOENT/)
})

test('a file that holds no key is never replaced, and the refusal does not repeat it', async () => {
  const dataDir = await mkdtemp(join(folder, 'bad-'))
  await writeFile(secretKeyPath(dataDir), 'not a key')
  await assert.rejects(openVault({ key: null, dataDir }), (error: TempoError) => {
    assert.equal(error.code, 'bad_secret_key')
    assert.ok(error.message.includes(secretKeyPath(dataDir)) && !error.message.includes('not a key'))
    return true
  })
  assert.equal(await readFile(secretKeyPath(dataDir), 'utf8'), 'not a key')
})

test('a data folder that cannot be written to says what to do', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  await assert.rejects(
    openVault({ key: null, dataDir: join(file, 'below') }),
    (error: TempoError) => error.code === 'secret_key_unusable' && /TEMPO_SECRET_KEY/.test(error.message),
  )
  const vault: Vault = await openVault({ key: KEY, dataDir: join(file, 'below') })
  assert.equal(vault.open(vault.seal('x', 'y'), 'y'), 'x')
})
