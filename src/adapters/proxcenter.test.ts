import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TempoError } from '../errors.ts'
import { PROXCENTER_EVENTS } from './proxcenter/words.ts'
import { createProxCenterDialect } from './proxcenter.ts'
import { claimedProvider, parseTempoPayload } from './tempo.ts'

const NOW = new Date('2026-11-22T10:00:00Z')
const dialect = createProxCenterDialect({ claimedProvider, parse: parseTempoPayload })

function parse(value: Record<string, unknown>, provider: string | null = 'com.proxcenter') {
  return dialect.parse(value, { now: NOW, provider })
}

/** The names of ours that an event got. */
function metadataOf(value: Record<string, unknown>, ...names: string[]): unknown[] {
  const { metadata } = parse(value).event
  return names.map((name) => metadata[name])
}

const EVENTS = Object.entries(PROXCENTER_EVENTS)
const JOINS = ['_', '-', '.', ' ', '', '  ', ':', '/']

/** One name of several words as any sender might write it. */
function spelled(words: readonly string[]): fc.Arbitrary<string> {
  const word = (text: string) =>
    fc
      .tuple(...Array.from(text, () => fc.boolean()))
      .map((upper) => Array.from(text, (c, i) => (upper[i] ? c.toUpperCase() : c.toLowerCase())).join(''))
  return fc
    .tuple(fc.constantFrom(...JOINS), ...words.map(word))
    .map(([join, ...parts]) => parts.join(String(join)))
}

describe('the event type', () => {
  test('is known however its words are written and joined', () => {
    const any = fc.constantFrom(...EVENTS).chain(([event]) => {
      return fc.tuple(fc.constant(event), spelled(event.split('_')))
    })
    fc.assert(
      fc.property(any, ([event, text]) => {
        const { event: read, warnings } = parse({ event: text, message: 'x' })
        assert.deepEqual([read.metadata.EventType, warnings], [event, []])
      }),
      { numRuns: 500 },
    )
  })

  test('is found under each of its names, whatever the case and the joins of the name', () => {
    const names = [
      ['event'],
      ['event', 'type'],
      ['event', 'name'],
      ['type'],
      ['notification', 'type'],
      ['kind'],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...names).chain(spelled), (name) => {
        assert.deepEqual(metadataOf({ [name]: 'Node offline' }, 'EventType'), ['node_offline'])
      }),
    )
  })

  test('is the one that is known, where several keys could hold it', () => {
    const body = { type: 'alert', event: 'Proxmox', eventType: 'proxcenter.alert.resolved' }
    assert.deepEqual(metadataOf(body, 'EventType'), ['alert_resolved'])
    assert.deepEqual(metadataOf({ event: { type: 'cve.detected' } }, 'EventType'), ['cve_detected'])
    assert.deepEqual(metadataOf({ message: 'x', data: { event_type: 'Task failed' } }, 'EventType'), [
      'task_failed',
    ])
  })

  test('of an alert may stand in its state', () => {
    for (const [status, event] of [
      ['resolved', 'alert_resolved'],
      ['OK', 'alert_resolved'],
      ['active', 'alert_triggered'],
      ['firing', 'alert_triggered'],
      ['odd', 'alert'],
    ]) {
      assert.deepEqual(metadataOf({ type: 'alert', data: { status } }, 'EventType'), [event])
    }
    assert.deepEqual(metadataOf({ type: 'Alert', severity: 'success' }, 'EventType'), ['alert_resolved'])
  })

  test('that is none of the eight is kept, with a warning that lists them', () => {
    const { event, warnings } = parse({ event: 'vm_migrated', message: 'x' })
    assert.equal(event.metadata.EventType, 'vm_migrated')
    assert.match(
      warnings.join(),
      /^event: "vm_migrated" is none of alert_triggered, .+cve_detected; it was kept$/,
    )
    assert.match(parse({ message: 'x' }).warnings.join(), /^there is no event type; send one of/)
    assert.deepEqual(parse({ type: 'test', message: 'x' }).warnings, [])
  })
})

test('each severity of theirs is one of ours, in any case; others stay as they are', () => {
  for (const [word, severity] of [
    ['critical', 'critical'],
    ['high', 'error'],
    ['error', 'error'],
    ['warning', 'warning'],
    ['medium', 'warning'],
    ['low', 'info'],
    ['info', 'info'],
    ['success', 'ok'],
  ] as const) {
    for (const text of [word, word.toUpperCase(), ` ${word} `]) {
      for (const key of ['severity', 'Level']) {
        const { event, warnings } = parse({ event: 'cve_detected', [key]: text })
        assert.deepEqual([event.metadata.severity, warnings], [severity, []])
        assert.equal(event.severity, null, 'the score decides')
      }
    }
  }
  const { event, warnings } = parse({ event: 'cve_detected', severity: 'P1' })
  assert.equal(event.metadata.severity, 'P1')
  assert.deepEqual(warnings, ['severity: "P1" is not known and was kept as it is'])
})

describe('metadata', () => {
  test('get our names beside their own, which stay as they were sent', () => {
    const sent = {
      node_name: 'pve1',
      vm_id: 101,
      'alert-id': 'a1',
      connectionName: 'lab',
      url: 'https://proxcenter.lan/alerts/a1',
      nested: { deep: [1, { b: null }] },
    }
    for (const key of ['metadata', 'data', 'details', 'Context']) {
      const { metadata } = parse({ event: 'alert_triggered', message: 'x', [key]: sent }).event
      assert.deepEqual(metadata, {
        ...sent,
        NodeName: 'pve1',
        VMID: '101',
        AlertID: 'a1',
        Connection: 'lab',
        ServerUrl: 'https://proxcenter.lan/alerts/a1',
        EventType: 'alert_triggered',
        Message: 'x',
      })
    }
  })

  test('are found beside the metadata, and in objects of the thing', () => {
    const names = ['NodeName', 'VMID', 'GuestName', 'AlertID']
    for (const [body, expected] of [
      [{ node: 'pve1', vmid: '7', vmname: 'web', alertId: 9 }, ['pve1', '7', 'web', '9']],
      [{ node: { name: 'pve1' }, vm: { id: 101, name: 'web' } }, ['pve1', '101', 'web', undefined]],
      [{ alert: { id: 7, message: 'x' }, host: 'pve1' }, ['pve1', undefined, undefined, '7']],
      [
        { resource: 'pve1', resource_type: 'node', resource_id: 0 },
        ['pve1', undefined, undefined, undefined],
      ],
      [{ resource: 'web', resource_type: 'vm', resource_id: 101 }, [undefined, '101', 'web', undefined]],
      [{ entityType: 'qemu', entityId: 'qemu/101' }, [undefined, '101', undefined, undefined]],
    ] as const) {
      assert.deepEqual(metadataOf({ event: 'alert_triggered', ...body }, ...names), expected)
      assert.deepEqual(metadataOf({ event: 'alert_triggered', data: body }, ...names), expected)
    }
  })

  test('lack what the message tells: the node, and the guest', () => {
    for (const [message, node, vmid] of [
      ['Node pve1 is offline', 'pve1', undefined],
      ['Node pve1 : RAM critical (92.3%)', 'pve1', undefined],
      ['CPU of VM 101 on node pve-2.lan', 'pve-2.lan', '101'],
      ['CT #105 is back to normal', undefined, '105'],
      ['Backup of qemu/104 failed', undefined, '104'],
      ['Node memory is low; the node went down', undefined, undefined],
      ['3 VMs, 2000 CPUs', undefined, undefined],
    ] as const) {
      assert.deepEqual(
        metadataOf({ event: 'alert_triggered', message }, 'NodeName', 'VMID'),
        [node, vmid],
        message,
      )
    }
    const named = {
      event: 'alert_triggered',
      message: 'VM 101 on node pve1',
      metadata: { vmid: 7, node: 'a' },
    }
    assert.deepEqual(metadataOf(named, 'NodeName', 'VMID'), ['a', '7'])
  })

  test('that are a list stay where they are, and a key __proto__ is a key', () => {
    const body = JSON.parse('{"event":"cve_detected","data":[1],"metadata":{"__proto__":{"node":"x"},"a":1}}')
    const { metadata } = parse(body).event
    assert.deepEqual(metadata.data, [1])
    assert.ok(Object.hasOwn(metadata, '__proto__') && metadata.NodeName === undefined)
  })
})

describe('the title', () => {
  test('is theirs, under any of its names', () => {
    for (const key of ['title', 'Subject', 'SUMMARY']) {
      assert.equal(parse({ event: 'node_offline', [key]: ' Node is gone ' }).event.title, 'Node is gone')
    }
  })

  test('is made of event type, thing and message, and says nothing twice', () => {
    for (const [body, title] of [
      [{ event: 'NODE_OFFLINE', metadata: { node: 'pve1' } }, 'Node offline: pve1'],
      [{ event: 'node_offline', message: 'Node pve1 is offline' }, 'Node offline: Node pve1 is offline'],
      [
        { event: 'alert_triggered', message: 'CPU 95 %\nsecond', metadata: { node: 'pve1', vmid: 101 } },
        'Alert triggered: VM 101 on pve1: CPU 95 %',
      ],
      [{ event: 'backup_failed', metadata: { vmid: 101, vmname: 'web' } }, 'Backup failed: web (101)'],
      [{ event: 'task_failed', metadata: { vmname: 'web' } }, 'Task failed: web'],
      [{ message: 'Something\nhappened' }, 'Something'],
      [{ event: 'vm_migrated' }, 'vm_migrated'],
    ] as const) {
      assert.equal(parse(body).event.title, title)
    }
  })
})

test('the time is theirs, else that of arrival; one that cannot be read is told', () => {
  const at = '2026-11-21T09:00:00.123Z'
  for (const [key, value] of [
    ['timestamp', at],
    ['createdAt', '2026-11-21T10:00:00.123456789+01:00'],
    ['Time', Date.parse(at)],
  ] as const) {
    const { event, warnings } = parse({ event: 'node_offline', [key]: value })
    assert.deepEqual([event.startDate.toISOString(), warnings], [at, []])
  }
  assert.deepEqual(parse({ event: 'node_offline' }).event.startDate, NOW)
  const { event, warnings } = parse({ event: 'node_offline', time: '21/11/2026 10:00' })
  assert.deepEqual(event.startDate, NOW)
  assert.match(warnings.join(), /^timestamp: .+; the time of arrival stands in$/)
})

test('a body that says nothing is refused with an example; anything said is enough', () => {
  for (const body of [{}, { severity: 'high', metadata: { node: 'pve1' } }, { message: ' ', title: null }]) {
    assert.throws(
      () => parse(body),
      (error: TempoError) => {
        assert.deepEqual([error.status, error.errors[0]!.path], [422, 'event'])
        assert.match(`${error.message} ${error.extra.hint}`, /send one of them .*"event":"alert_triggered"/)
        return true
      },
    )
  }
  for (const key of ['message', 'text', 'description', 'body', 'title', 'event']) {
    assert.notEqual(parse({ [key]: 'x' }).event.title, '')
  }
})

test('no JSON object is more than refused', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('event', 'alert', 'data', 'vm', 'message', 'id', 'time'), fc.jsonValue()),
      (body) => {
        try {
          assert.notEqual(parse(body).event.title, '')
        } catch (error) {
          assert.ok(error instanceof TempoError && error.status === 422, String(error))
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('the provider is ProxCenter, or what a token of its own below it says', () => {
  const body = { event: 'node_offline' }
  assert.equal(parse(body, null).event.provider, 'com.proxcenter')
  assert.equal(parse(body, 'com.proxmox').event.provider, 'com.proxcenter')
  assert.equal(parse(body, 'com.proxcenter.lab').event.provider, 'com.proxcenter.lab')
})

test('a payload of our own dialect is taken as what it is', () => {
  const body = { providerIdentifier: 'com.proxcenter', title: 'x', metadata: { EventType: 'node-offline' } }
  const { event, notification } = parse(body)
  assert.deepEqual([event.metadata, notification], [body.metadata, null])
})

test('the id of an alert is not the id of its notification', () => {
  const idOf = (body: Record<string, unknown>) =>
    parse({ event: 'alert_triggered', ...body }).notification!.id
  assert.equal(idOf({ id: 'n1', data: { alertId: 'a1' } }), 'n1')
  assert.equal(idOf({ id: 'a1', data: { alertId: 'a1' } }), null)
  assert.equal(idOf({ message: 'x' }), null)
})
