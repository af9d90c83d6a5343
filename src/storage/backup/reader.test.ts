import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { countLines, createReader } from './reader.ts'

/** The text in blocks of these sizes, over and over. */
async function* cut(text: string, sizes: number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    yield Buffer.from(bytes.subarray(at, at + size))
    at += size
  }
}

async function joined(blocks: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(blocks)).toString()
}

/** What COPY can write: any text whose backslashes are doubled, and lines that come near to the end mark. */
const row = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\n\r]/g, ' ').replaceAll('\\', '\\\\')),
  fc.constantFrom('', '\\N', '\\\\.', '\\\\', '.', ' \\\\.', '\\N\t\\N'),
)

test('rows come out as they went in, wherever the blocks are cut', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(fc.array(row), fc.array(row), sizes, async (first, second, blocks) => {
      const [one, two] = [first, second].map((rows) => rows.map((line) => `${line}\n`).join(''))
      const text = `head\n${one}\\.\nmiddle\n${two}\\.\nend\n`
      const reader = createReader(cut(text, blocks))
      assert.equal(await reader.readLine(), 'head')
      assert.equal(await joined(reader.readRows()), one)
      assert.equal(await reader.readLine(), 'middle')
      assert.equal(await joined(reader.readRows()), two)
      assert.equal(await reader.readLine(), 'end')
      assert.equal(reader.digestBefore(), hash('sha256', text.slice(0, -'end\n'.length)))
      assert.equal(await reader.isAtEnd(), true)
    }),
  )
})

test('an end that comes too early is told in a line, in rows and after them', async () => {
  const early = { code: 'backup_damaged', message: /ends too early/ }
  await assert.rejects(createReader(cut('head', [2])).readLine(), early)
  for (const text of ['', 'a\tb\n', 'a\tb\n\\', 'a\tb\n\\.', 'a\tb\\.\n']) {
    await assert.rejects(joined(createReader(cut(text, [3])).readRows()), early)
  }
  await assert.rejects(createReader(Readable.from([])).readLine(), early)
})

test('a line that never ends is refused before it fills the memory', async () => {
  let given = 0
  async function* endless() {
    for (;;) {
      given += 65_536
      yield Buffer.alloc(65_536, 'x')
    }
  }
  await assert.rejects(createReader(endless()).readLine(), { code: 'backup_damaged', message: /too long/ })
  assert.ok(given < 4 * 1024 * 1024)
})

test('what follows the end is seen', async () => {
  const reader = createReader(cut('end\nmore', [100]))
  await reader.readLine()
  assert.equal(await reader.isAtEnd(), false)
})

test('rows are counted by their line ends', () => {
  assert.deepEqual(
    ['', 'a', 'a\n', 'a\nb', '\n\n'].map((text) => countLines(Buffer.from(text))),
    [0, 0, 1, 1, 2],
  )
})
