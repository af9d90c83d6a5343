import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { readJsonBody } from '../src/adapters/json.ts'
import { parseTempoPayload } from '../src/adapters/tempo.ts'

const README = new URL('../README.md', import.meta.url)

/** The lines that the README tells people to paste into the shell of a node, run with a pvesh that shows its words. */
async function runPastedLines(): Promise<string[][]> {
  const block = /<!-- pvesh -->\n```sh\n([\s\S]*?)```/.exec(await readFile(README, 'utf8'))
  assert.ok(block, 'the README has the lines')
  const stub = 'pvesh() { printf "%s\\0" "$@"; printf "\\1"; }\n'
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', stub + block[1]], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
    .split('\x01')
    .slice(0, -1)
    .map((call) => call.split('\0').slice(0, -1))
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString()
}

function option(call: string[], name: string, index = 0): string {
  const places = call.flatMap((word, place) => (word === name ? place : []))
  return call[places[index]! + 1]!
}

test('the pasted lines make the target, with the token as a secret', async () => {
  const [create] = await runPastedLines()
  assert.deepEqual(create!.slice(0, 2), ['create', '/cluster/notifications/endpoints/webhook'])
  assert.deepEqual([option(create!, '--method'), option(create!, '--name')], ['post', 'tempo'])
  const headers = [0, 1].map(
    (index) => /^name=([\w-]+),value=(.*)$/.exec(option(create!, '--header', index))!,
  )
  assert.deepEqual(
    headers.map(([, name, value]) => [name, decode(value!)]),
    [
      ['Content-Type', 'application/json'],
      ['X-Tempo-Token', '{{ secrets.token }}'],
    ],
  )
  const secret = /^name=token,value=(.*)$/.exec(option(create!, '--secret'))![1]!
  assert.match(decode(secret), /^tempo_/)
})

test('the pasted template renders to an event, and uses the one helper that Proxmox has for it', async () => {
  const [create] = await runPastedLines()
  const template = decode(option(create!, '--body'))
  const values: Record<string, unknown> = {
    title: 'Say "hello"\n',
    severity: 'info',
    message: 'two\nlines',
    'fields.hostname': 'pve1',
    'fields.type': 'vzdump',
  }
  const rendered = template
    .replace('{{ timestamp }}', '1795222924')
    .replace(/\{\{ json ([\w.-]+) \}\}/g, (_, name: string) => JSON.stringify(values[name] ?? null))
  assert.doesNotMatch(rendered, /\{\{/)
  const { event } = parseTempoPayload(readJsonBody(Buffer.from(rendered)).value, {
    now: new Date(),
    provider: null,
  })
  assert.equal(event.provider, 'com.proxmox')
  assert.equal(event.title, 'Say "hello"')
  assert.equal(event.metadata.NodeName, 'pve1')
  assert.equal(event.metadata.ServerUrl, 'https://pve.lan:8006')
})

test('the pasted lines name the target in the matcher', async () => {
  const calls = await runPastedLines()
  const matcher = calls[1]!
  assert.deepEqual(matcher.slice(0, 2), ['set', '/cluster/notifications/matchers/default-matcher'])
  assert.deepEqual([option(matcher, '--target'), option(matcher, '--target', 1)], ['mail-to-root', 'tempo'])
})
