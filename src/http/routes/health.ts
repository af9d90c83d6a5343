import { createRoute } from '@hono/zod-openapi'
import { createApi } from '../api.ts'
import { type Health, HealthSchema } from '../health.ts'
import { json } from '../parameters.ts'

/** For probes and balancers; no token, never waits for the database. */
export function healthRoutes(current: () => Health) {
  const api = createApi()
  api.openapi(
    createRoute({
      method: 'get',
      path: '/health',
      summary: '200 while events can be accepted',
      description: '`degraded`: the database is away, and events go to the spool.',
      responses: {
        200: json(HealthSchema, 'Ready, or degraded'),
        503: json(HealthSchema, 'Events cannot be accepted'),
      },
    }),
    (c) => {
      const health = current()
      c.header('Cache-Control', 'no-store')
      return c.json(health, health.status === 'down' ? 503 : 200)
    },
  )
  return api
}
