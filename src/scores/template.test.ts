import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTemplate, renderLenient, renderStrict, templateFaults, trimmed, valuesOf } from './template.ts'
import { read, sampleEvent } from './testing.ts'

test('an event’s own values have names', () => {
  const event = sampleEvent({ externalID: 'x-1', endDate: new Date('2026-04-29T04:00:00+02:00') })
  const template = parseTemplate(
    '${title}|${startDate}|${endDate}|${eventType}|${providerIdentifier}|${externalID}',
  )
  assert.deepEqual(renderStrict(template, valuesOf(event)), {
    text: 'A title|2026-04-29T03:14:00.000Z|2026-04-29T02:00:00.000Z|alert|com.example|x-1',
  })
})

test('metadata is read by its own key, else by path, as text', () => {
  const { values } = read({ 'a.b': 'own', a: { b: 'path', c: [1, { d: true }] }, n: 0, f: false })
  const template = parseTemplate(
    '${metadata.a.b} ${metadata.a.c} ${metadata.a.c.1.d} ${metadata.n} ${metadata.f}',
  )
  assert.deepEqual(renderStrict(template, values), { text: 'own [1,{"d":true}] true 0 false' })
})

test('${metadata} is all of it', () => {
  const { values } = read({ a: 1 })
  assert.deepEqual(renderStrict(parseTemplate('${metadata}'), values), { text: '{"a":1}' })
})

test('strict: what is missing, null or blank does not resolve, and is named once as written', () => {
  const { values } = read({ a: null, b: '', c: ' \n', d: 'x' })
  const template = parseTemplate(
    '${metadata.a}${metadata.b}${metadata.c}${metadata.d}${metadata.e}${metadata.a}${endDate}',
  )
  assert.deepEqual(renderStrict(template, values), {
    missing: ['metadata.a', 'metadata.b', 'metadata.c', 'metadata.e', 'endDate'],
  })
})

test('strict: values are written as they are, or trimmed', () => {
  const { values } = read({ a: ' x ', b: '$' })
  assert.deepEqual(renderStrict(parseTemplate('${metadata.a}/${metadata.b}'), values), { text: ' x /$' })
  assert.deepEqual(renderStrict(parseTemplate('${metadata.a}/${metadata.b}'), values, trimmed), {
    text: 'x/$',
  })
})

test('lenient: a placeholder without a value is left to be seen', () => {
  const { values } = read({ a: 'x', b: '' })
  const template = parseTemplate('${metadata.a} ${metadata.b} ${nothing} ${endDate}')
  assert.equal(renderLenient(template, values), 'x ${metadata.b} ${nothing} ${endDate}')
})

test('a value is never read as a template', () => {
  const { values } = read({ a: '${title}' })
  assert.deepEqual(renderStrict(parseTemplate('${metadata.a}'), values), { text: '${title}' })
})

test('inherited names do not resolve', () => {
  const { values } = read({ a: {} })
  for (const name of ['metadata.constructor', 'metadata.__proto__', 'metadata.a.toString', 'constructor']) {
    assert.deepEqual(renderStrict(parseTemplate(`\${${name}}`), values), { missing: [name] })
  }
})

test('a text without placeholders is itself, an unclosed one too', () => {
  const { values } = read({})
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('}')),
      (text) => {
        assert.deepEqual(renderStrict(parseTemplate(text), values), { text })
        assert.equal(renderLenient(parseTemplate(text), values), text)
      },
    ),
  )
})

test('parsing takes linear time', () => {
  const start = performance.now()
  parseTemplate('${'.repeat(500_000))
  assert.ok(performance.now() - start < 500)
})

test('faults name placeholders that no event has, and the one that was meant', () => {
  assert.deepEqual(templateFaults('${metadata.NodeName} ${title}$ {x}'), [])
  assert.equal(templateFaults('${metdata.NodeName}')[0]?.meant, '${metadata.NodeName}')
  assert.equal(templateFaults('${startdate}')[0]?.meant, '${startDate}')
  assert.equal(templateFaults('${quux}')[0]?.meant, undefined)
  assert.match(templateFaults('${metadata.}')[0]!.message, /is no placeholder/)
  assert.match(templateFaults('a ${title')[0]!.message, /never closed/)
})
