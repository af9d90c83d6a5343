import { createRoute, z } from '@hono/zod-openapi'
import { readJsonBody } from '../../adapters/json.ts'
import { notFound } from '../../errors.ts'
import type { IncomingEvent, JudgedEvent } from '../../event.ts'
import { dialectOfBody } from '../../ingest/dialects.ts'
import { completeEvent, judgeEvent } from '../../ingest/judge.ts'
import { replayEvent } from '../../ingest/replay.ts'
import type { Catalog } from '../../scores/catalog.ts'
import { explainEvent } from '../../scores/explain.ts'
import type { Database } from '../../storage/database.ts'
import { previewStack } from '../../storage/store-events.ts'
import { findEvent, findStack } from '../../storage/timeline.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { json, notFoundProblem, problems, rawJson } from '../parameters.ts'

export type ExplainDeps = { db: Database; catalog: () => Catalog; now: () => Date; readBody: BodyReader }

const explanationSchema = z
  .looseObject({
    provider: z.string(),
    score: z.looseObject({ foundAs: z.string(), displayName: z.string() }).nullable(),
    lookedUp: z.array(z.string()),
    severity: z.looseObject({ winner: z.union([z.number(), z.string()]) }),
    grouping: z.looseObject({ by: z.string() }),
    actions: z.array(
      z.looseObject({ label: z.string(), enabled: z.boolean(), missing: z.array(z.string()) }),
    ),
    outcome: z.looseObject({ severity: z.string(), label: z.string(), key: z.string().nullable() }),
    stack: z
      .object({ id: z.uuid().nullable(), title: z.string().nullable(), count: z.int() })
      .openapi({ description: 'The stack that it is in, or would join; id null: a new one' }),
    warnings: z.array(z.string()),
  })
  .openapi('Explanation')

/** Why an event is judged as it is: of a payload that is sent along, or of a stored event. Stores nothing. */
export function explainRoutes({ db, catalog, now, readBody }: ExplainDeps) {
  const api = createApi()

  api.openapi(
    createRoute({
      method: 'post',
      path: '/explain',
      summary: 'Explain severity, stack and actions of a payload or, with {"eventId"}, of a stored event',
      description:
        'Every rule with every condition, by the scores now in force. Needs the scope read; stores nothing.',
      request: {
        body: rawJson('A payload as for /ingest, or {"eventId": ID}'),
      },
      responses: { 200: json(explanationSchema, 'The explanation'), ...problems, ...notFoundProblem },
    }),
    async (c) => {
      const { value, warnings } = readJsonBody(await readBody(c))
      const stored = isReference(value)
      const { event, stackId, more } = stored ? await ofStored(value.eventId) : await ofPayload(value)
      const stack = await findStack(db, stackId)
      const explanation = {
        ...explainEvent(catalog(), event),
        stack: { id: stack?.id ?? null, title: stack?.title ?? null, count: stack?.count ?? 0 },
        warnings: [...warnings, ...more],
      }
      return c.json(explanation as z.infer<typeof explanationSchema>, 200)
    },
  )

  async function ofStored(id: string) {
    const stored = await findEvent(db, id)
    if (!stored) throw notFound(`The event ${id}`)
    return { event: replayEvent(stored), stackId: stored.stackId, more: [] }
  }

  async function ofPayload(value: Record<string, unknown>) {
    const { event, warnings: more } = dialectOfBody(value).parse(value, { now: now(), provider: null })
    const judged = judge(event, value)
    return { event: completeEvent(event).event, stackId: await previewStack(db, judged), more }
  }

  function judge(event: IncomingEvent, payload: Record<string, unknown>): JudgedEvent {
    return judgeEvent(catalog(), event, { receivedAt: now(), payload, warnings: [], idempotency: null })
  }

  return api
}

/** A body with nothing but an event's id. */
function isReference(value: Record<string, unknown>): value is { eventId: string } {
  return Object.keys(value).length === 1 && z.uuid().safeParse(value.eventId).success
}
