/** The same as bare-http, on Hono. The argument is the port. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('/ready', (c) => c.text('ready'))
app.post('/ingest', async (c) => {
  const { title } = await c.req.json()
  return c.json({ accepted: true }, title ? 202 : 422)
})
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' })
process.once('SIGTERM', () => process.exit(0))
