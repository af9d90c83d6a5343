import { test } from 'node:test'
import { assertRefused, type Payload } from './testing.ts'

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'eventType unknown': [
    { eventType: 'alarm' },
    'eventType',
    /must be one of alert, event, task, reminder, not "alarm"/,
  ],
  'eventType in capitals': [{ eventType: 'Task' }, 'eventType', /did you mean "task"\?/],
  'severity unknown': [
    { severity: 'bad' },
    'severity',
    /must be one of ok, info, warning, error, critical, not "bad"$/,
  ],
  'severity in capitals': [{ severity: 'ERROR' }, 'severity', /did you mean "error"\?/],
  'severity notice': [{ severity: 'notice' }, 'severity', /into metadata\.severity/],
  'severity Unknown': [{ severity: 'Unknown' }, 'severity', /into metadata\.severity/],
  'severity a number': [{ severity: 3 }, 'severity', /not a number/],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}
