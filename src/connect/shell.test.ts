import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { shellCommand, shellWord } from './shell.ts'

test('a shell reads every word back as it was', () => {
  const [hostile] = fc.sample(
    fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { minLength: 300, maxLength: 300, size: 'max' }),
    1,
  )
  const texts = [
    ...[
      '',
      ' ',
      "'",
      "''",
      '"',
      '$HOME',
      '`id`',
      '\\',
      'a\nb',
      '-n',
      '*',
      '~',
      '!x',
      '#',
      '{a,b}',
      "it's $x",
    ],
    ...hostile!.map((text) => text.replaceAll('\0', '').toWellFormed()),
  ]
  const script = `printf '%s\\0' ${texts.map(shellWord).join(' ')}`
  const { stdout, status } = spawnSync('sh', ['-c', script], { encoding: 'buffer' })
  assert.equal(status, 0)
  assert.deepEqual(stdout.toString().split('\0').slice(0, -1), texts)
})

test('a broken line is still one command', () => {
  const words = ['printf', '%s\\0', '--name', 'a b', '--url', 'c']
  const command = shellCommand(words, ['--name', '--url'])
  assert.equal(command, "printf '%s\\0' \\\n  --name 'a b' \\\n  --url c")
  const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  assert.deepEqual(stdout.split('\0'), ['--name', 'a b', '--url', 'c', ''])
})
