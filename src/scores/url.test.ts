import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAllowedUrl } from './url.ts'

test('links of known schemes are offered', () => {
  for (const url of [
    'https://pve.lan:8006/#v1:0:18',
    'HTTP://192.168.1.1/',
    'https://[fe80::1]:8006/',
    'https://pve.lan/a b?q=x y',
    'ssh://root@pve1',
    'ssh://pve1:22',
    'sftp://backup-user:secret@nas.lan:2222/share/a b',
    'ssh://[::1]',
    'mailto:ops@example.com?subject=Disk full',
    'tel:+4930123',
    'todoist://task?id=1',
    'obsidian://open?vault=x',
    'facetime-audio:a@b',
    'vscode-insiders://file/x',
  ]) {
    assert.ok(isAllowedUrl(url), url)
  }
})

test('other schemes, or none, are not', () => {
  for (const url of [
    '',
    'pve.lan:8006/',
    '192.168.1.1:8006/',
    '/path',
    '//host/path',
    'file:///etc/passwd',
    'data:text/html,x',
    'vbscript:x',
    'vnc://host',
    'blob:https://x/y',
    'view-source:https://x',
    ':https://x',
    'https',
    'https:',
    'https://',
    'https:host',
    'https://:8006/',
    'mailto:',
  ]) {
    assert.ok(!isAllowedUrl(url), url)
  }
})

test('a shell link whose user or host could be an option is not', () => {
  for (const scheme of ['ssh', 'sftp', 'SSH']) {
    for (const target of [
      '-oProxyCommand=id',
      '%2DoProxyCommand=id',
      'root@-oProxyCommand=id',
      '-l@host',
      '-x:y@host',
      'a@b@-c',
      '$(id)@host',
      'host;id',
      'host`id`',
      'host id',
      '',
      '/host',
    ]) {
      assert.ok(!isAllowedUrl(`${scheme}://${target}`), target)
    }
    assert.ok(!isAllowedUrl(`${scheme}:host`))
  }
})

test('control characters, odd spaces and marks that reorder text are not', () => {
  const odd = [
    '\0',
    '\t',
    '\n',
    '\r',
    '\x1b',
    '\x7f',
    '\x85',
    '\xa0',
    '\u1680',
    '\u2028',
    '\u3000',
    '\ufeff',
    '\u202e',
  ]
  for (const char of odd) {
    for (const url of [
      `${char}https://x/`,
      `ht${char}tps://x/`,
      `https:${char}//x/`,
      `https://x/${char}`,
      `https://x/${char}y`,
    ]) {
      assert.ok(!isAllowedUrl(url), JSON.stringify(url))
    }
  }
  for (const url of [' https://x/', 'https://x/ ']) assert.ok(!isAllowedUrl(url), url)
})

test('javascript: is never offered, however it is disguised', () => {
  const noise = fc.string({
    unit: fc.oneof(
      fc.constantFrom(...' \t\n\r\0\x0b\x0c\x1f\x7f\x85\xa0\u2028\ufeff\u200b'),
      fc.string({ maxLength: 1 }),
    ),
    maxLength: 3,
  })
  const disguise = (char: string) =>
    fc.constantFrom(
      char,
      char.toUpperCase(),
      `%${char.charCodeAt(0).toString(16)}`,
      `\\u00${char.charCodeAt(0).toString(16)}`,
      `&#${char.charCodeAt(0)};`,
    )
  const scheme = fc
    .tuple(...[...'javascript:'].flatMap((char) => [disguise(char), noise]))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(noise, scheme, noise, (before, disguised, after) => {
      const url = `${before}${disguised}${after}alert(1)`
      assert.ok(!isAllowedUrl(url) || /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase() !== 'javascript:')
      assert.ok(!isAllowedUrl(url) || new URL(url).protocol !== 'javascript:', JSON.stringify(url))
    }),
    { numRuns: 2000 },
  )
  for (const url of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:x',
    '\x01javascript:x',
    'javascript%3Ax',
  ]) {
    assert.ok(!isAllowedUrl(url), url)
  }
})
