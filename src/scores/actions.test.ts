import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionTemplate, Metadata } from '../event.ts'
import type { Action } from '../wire.ts'
import { compileActions, resolveActions } from './actions.ts'
import type { ScoreAction } from './format.ts'
import { sampleEvent } from './testing.ts'

const ICON = 'globe'

function resolve(defaultActions: ScoreAction[], metadata: Metadata, own: ActionTemplate[] = []): Action[] {
  const score = {
    actions: compileActions({ providerIdentifier: 'com.example', displayName: 'x', defaultActions }),
  }
  return resolveActions(score, sampleEvent({ metadata }), own)
}

test('an action that resolves is enabled and carries its value as it is', () => {
  const open: ScoreAction = { label: 'Open', systemIcon: ICON, trigger: { openURL: '${metadata.url}/x' } }
  assert.deepEqual(resolve([open], { url: 'https://pve.lan:8006' }), [
    {
      label: 'Open',
      icon: ICON,
      type: 'openURL',
      value: 'https://pve.lan:8006/x',
      enabled: true,
      missing: [],
    },
  ])
  const copy: ScoreAction = { label: 'Copy', systemIcon: ICON, trigger: { copyToClipboard: '${metadata.a}' } }
  assert.equal(resolve([copy], { a: ' $(id)\n' })[0]!.value, ' $(id)\n')
  const run: ScoreAction = {
    label: 'Run',
    systemIcon: ICON,
    trigger: { openTerminalWith: 'ping -c 5 ${metadata.a}' },
  }
  assert.equal(resolve([run], { a: '$(id)' })[0]!.value, "ping -c 5 '$(id)'")
})

test('one that does not resolve stays listed, disabled, with the names of what is missing', () => {
  for (const type of ['openURL', 'copyToClipboard', 'openTerminalWith'] as const) {
    const action = {
      label: 'A ${metadata.a}',
      systemIcon: ICON,
      trigger: { [type]: '${metadata.a}/${metadata.b.c}' },
    }
    assert.deepEqual(resolve([action], { a: ' ', b: {} }), [
      {
        label: 'A ${metadata.a}',
        icon: ICON,
        type,
        value: null,
        enabled: false,
        missing: ['metadata.a', 'metadata.b.c'],
      },
    ])
  }
})

test('a link is judged when resolved', () => {
  const open: ScoreAction = { label: 'Open', systemIcon: ICON, trigger: { openURL: '${metadata.url}' } }
  for (const url of [
    'javascript:alert(1)',
    ' https://x/',
    'https://x/\n',
    'file:///etc/passwd',
    'pve.lan:8006',
  ]) {
    const [action] = resolve([open], { url })
    assert.deepEqual([action!.enabled, action!.value, action!.missing], [false, null, []], url)
  }
})

test('actions that the score disables are not offered', () => {
  assert.deepEqual(
    resolve([{ label: 'x', systemIcon: ICON, trigger: { copyToClipboard: 'x' }, _disabled: true }], {}),
    [],
  )
})

test('a payload’s actions follow; one with the same label takes the place of the score’s', () => {
  const copies = ['One', 'Two'].map((label) => ({
    label,
    systemIcon: ICON,
    trigger: { copyToClipboard: 'score' },
  }))
  const own = ['Two', 'Three', 'Two'].map((label, n) => ({ label, trigger: { copyToClipboard: `own ${n}` } }))
  assert.deepEqual(
    resolve(copies, {}, own).map(({ label, value, icon }) => [label, value, icon]),
    [
      ['One', 'score', ICON],
      ['Two', 'own 0', null],
      ['Three', 'own 1', null],
      ['Two', 'own 2', null],
    ],
  )
})

test('a payload never brings a command', () => {
  const own = [{ label: 'Run', trigger: { openTerminalWith: 'id' } }]
  const run = { label: 'Run', systemIcon: ICON, trigger: { openTerminalWith: 'uptime' } }
  assert.deepEqual(resolve([], {}, own), [])
  assert.equal(resolve([run], {}, own)[0]!.value, 'uptime')
  assert.deepEqual(resolveActions(undefined, sampleEvent(), own), [])
})
