import { test } from 'node:test'
import { action, assertAccepted, assertRefused, assertWarned, type Payload } from './testing.ts'

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'actions an object': [{ actions: {} }, 'actions', /must be an array, not an object/],
  'nine actions': [{ actions: Array(9).fill(action({}).actions[0]) }, 'actions', /at most 8, not 9/],
  'an action null': [{ actions: [null] }, 'actions[0]', /must be an object .*, not null/],
  'an action without label': [action({ label: '' }), 'actions[0].label', /is missing/],
  'an action with a long label': [action({ label: 'x'.repeat(101) }), 'actions[0].label', /over 100/],
  'an action with a number for a label': [action({ label: 5 }), 'actions[0].label', /must be a text/],
  'an action with a number for an icon': [
    action({ systemIcon: 5 }),
    'actions[0].systemIcon',
    /must be a text/,
  ],
  'an action without trigger': [action({ trigger: null }), 'actions[0].trigger', /is missing; it must be/],
  'an action with an empty trigger': [
    action({ trigger: {} }),
    'actions[0].trigger',
    /exactly one of openURL, copy/,
  ],
  'an action with a text for a trigger': [action({ trigger: 'x' }), 'actions[0].trigger', /not a text/],
  'an action with two triggers': [
    action({ trigger: { openURL: 'x', copyToClipboard: 'y' } }),
    'actions[0].trigger',
    /exactly one of .*, not "openURL", "copyToClipboard"/,
  ],
  'an action with an unknown trigger': [action({ trigger: { run: 'x' } }), 'actions[0].trigger', /not "run"/],
  'an action with a blank trigger': [
    action({ trigger: { openURL: ' ' } }),
    'actions[0].trigger',
    /none is given/,
  ],
  'a terminal action': [
    action({ trigger: { openTerminalWith: 'rm -rf /' } }),
    'actions[0].trigger',
    /accepted from score files only/,
  ],
  'a terminal action beside another': [
    action({ trigger: { openURL: 'x', openTerminalWith: 'y' } }),
    'actions[0].trigger',
    /score files only/,
  ],
  'an action with a number for a value': [
    action({ trigger: { openURL: 5 } }),
    'actions[0].trigger.openURL',
    /must be a text, not a number/,
  ],
  'an action with a long value': [
    action({ trigger: { openURL: 'x'.repeat(2001) } }),
    'actions[0].trigger.openURL',
    /over 2000/,
  ],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}

const ACCEPTED: Record<string, Payload> = {
  'eight actions': { actions: Array(8).fill(action({}).actions[0]) },
  'the longest action': action({ label: 'x'.repeat(100), trigger: { copyToClipboard: 'x'.repeat(2000) } }),
}

for (const [name, changes] of Object.entries(ACCEPTED)) {
  test(`accepted without a warning: ${name}`, () => assertAccepted(changes))
}

const WARNED: Record<string, [Payload, RegExp]> = {
  'a key of an action': [action({ _disabled: true }), /^actions\[0\]: "_disabled" is not a key of an action/],
}

for (const [name, [changes, warning]] of Object.entries(WARNED)) {
  test(`accepted with a warning: ${name}`, () => assertWarned(changes, warning))
}
