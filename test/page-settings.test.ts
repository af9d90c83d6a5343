import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { findChromium, openBrowser, visit } from './helpers/browser.ts'
import { readFixture } from './helpers/fixtures.ts'
import { startTestServer, type TestServer } from './helpers/server.ts'

const skip =
  (findChromium() === null && 'no Chromium here: apt-get install chromium') ||
  (process.env.TEMPO_TEST_NO_BROWSER === '1' && 'TEMPO_TEST_NO_BROWSER is 1')

describe('the settings', { skip }, () => {
  let server: TestServer
  let browser: Browser
  before(async () => {
    server = await startTestServer()
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  test('connect Proxmox: the lines carry a token that works, and the test is seen to arrive', async () => {
    const { page, complaints, close } = await visit(browser, server)
    await page.goto(`${server.url}/settings/connect`)
    await page.getByLabel('Address of the Proxmox web interface').fill('https://pve.lan:8006')
    await page.getByLabel('Name of the cluster').fill('home')
    await page.getByRole('button', { name: 'Make the token and the commands' }).click()
    const command = await page.locator('.step pre').first().textContent()
    const secret = /--secret '?name=token,value=([A-Za-z0-9+/=]+)/.exec(command!)?.[1]
    const token = Buffer.from(secret!, 'base64').toString()
    const answer = await server.post('/ingest/proxmox', token, readFixture('pve-native/test.json'))
    assert.equal(answer.status, 200, answer.text)
    const event = (await server.get(`/api/v1/events/${answer.body.id}`)).body
    assert.equal(event.facts.ServerUrl, 'https://pve.lan:8006')
    await page.getByText('Test notification').waitFor()
    assert.deepEqual(complaints, [])
    await close()
  })

  test('tokens: one is made, shown once, works, and is revoked', async () => {
    const { page, close } = await visit(browser, server)
    await page.goto(`${server.url}/settings/tokens`)
    await page.getByRole('button', { name: 'New token' }).click()
    await page.locator('input[name=name]').fill('from the page')
    await page.locator('form button[type=submit]').click()
    const shown = page.getByText(/tempo_[0-9a-f]{8}_[\w-]{43}/).first()
    await shown.waitFor()
    const token = /tempo_[0-9a-f]{8}_[\w-]{43}/.exec((await shown.textContent()) ?? '')![0]
    assert.equal(
      (await server.post('/ingest', token, { title: 'x', providerIdentifier: 'scripts.x' })).status,
      200,
    )
    const row = page.locator('tr', { hasText: 'from the page' })
    await row.getByRole('button', { name: /Revoke/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke for good' }).click()
    await page.getByText('from the page is revoked').waitFor()
    assert.equal(
      (await server.post('/ingest', token, { title: 'x', providerIdentifier: 'scripts.x' })).status,
      401,
    )
    assert.ok(!(await page.content()).includes(token), 'no secret is left in the page')
    await close()
  })

  test('quarantine: a broken body is repaired in the page and becomes an event', async () => {
    const token = await server.token(['com.proxmox'])
    const broken = '{"title":"Disk "sda" fails","metadata":{"severity":"error"}}'
    assert.equal((await server.post('/ingest', token, broken)).status, 422)
    const { page, close } = await visit(browser, server)
    await page.goto(`${server.url}/settings/quarantine`)
    await page.locator('.quarantine a').first().click()
    const editor = page.locator('textarea').first()
    assert.equal(await editor.inputValue(), broken)
    await editor.fill(broken.replace('"sda"', '\\"sda\\"'))
    await page.getByRole('button', { name: /Ingest/ }).click()
    await page
      .getByText(/Ingested|Stored|on the timeline/i)
      .first()
      .waitFor()
    const { body } = await server.get('/api/v1/timeline?q=sda')
    assert.equal(body.items[0].title, 'Disk "sda" fails')
    await close()
  })

  test('backups: a guest is parked with a reason, and shows it', async () => {
    const token = await server.token(['com.proxmox'])
    await server.post('/ingest/proxmox', token, readFixture('pve-native/vzdump-failed.json'))
    const { page, close } = await visit(browser, server)
    await page.goto(`${server.url}/backups`)
    await page.getByRole('link', { name: 'db01' }).waitFor()
    await page.locator('tr', { hasText: 'db01' }).getByRole('button', { name: /Park/ }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('input[name=reason], textarea[name=reason]').fill('moves to another host')
    await dialog.getByRole('button', { name: /Park/ }).click()
    await dialog.waitFor({ state: 'detached' })
    const { items } = (await server.get('/api/v1/guests')).body
    assert.equal(
      items.find(({ vmid }: { vmid: string }) => vmid === '102').parked.reason,
      'moves to another host',
    )
    await close()
  })
})

test('a proxy is believed from its own address alone', async () => {
  const env = { TEMPO_PROXY_USER_HEADER: 'Remote-User', TEMPO_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' }
  const trusting = await startTestServer({ env })
  const named = { 'Remote-User': 'ada' }
  const asked = async (server: TestServer, headers: Record<string, string>) =>
    (await server.request('GET', '/api/v1/timeline', undefined, headers)).status
  assert.equal(await asked(trusting, named), 200)
  assert.equal(await asked(trusting, {}), 401)
  const change = await trusting.request(
    'POST',
    '/api/v1/stacks/ack',
    { filter: {} },
    { ...named, 'X-Tempo-Page': '1' },
  )
  assert.equal(change.status, 403, 'who a proxy names may read only, unless the configuration says more')
  assert.deepEqual((await trusting.request('GET', '/session', undefined, named)).body.name, 'ada')
  await trusting.stop()
  const strict = await startTestServer({ env: { ...env, TEMPO_TRUSTED_PROXIES: '192.0.2.1' } })
  assert.equal(await asked(strict, named), 401)
  await strict.stop()
})
