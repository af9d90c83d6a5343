import { createRoute, z } from '@hono/zod-openapi'
import { invalidInput, notFound } from '../../errors.ts'
import { BACKUP_STATUSES, type Guest } from '../../guest.ts'
import type { Database } from '../../storage/database.ts'
import {
  listBackupMarks,
  listDays,
  listGuestBackups,
  listGuests,
  parkGuest,
  unparkGuest,
} from '../../storage/guests.ts'
import { forgetRhythm, listListening, listRhythms, setRhythm } from '../../storage/watching.ts'
import { coverGuest } from '../../watch/coverage.ts'
import { parseRhythm } from '../../watch/rhythm.ts'
import type { Expected } from '../../watch/verdict.ts'
import { createApi } from '../api.ts'
import {
  instant,
  json,
  limit,
  notATimeZone,
  notFoundProblem,
  problems,
  requireTimeZone,
  storable,
} from '../parameters.ts'

export type BackupDeps = { db: Database; now: () => Date; expected: () => Expected[] }

const DAY_MS = 86_400_000
const MAX_DAYS = 400
/** Days up to here have a year of four digits in every zone. */
const LATEST = Date.parse('9999-01-01T00:00:00Z')

const time = z.iso.datetime()
const backupSchema = z
  .object({
    id: z.uuid(),
    eventId: z.uuid().nullable().openapi({ description: 'The event in the guest’s own stack' }),
    stackId: z.uuid().nullable(),
    reportId: z.uuid().openapi({ description: 'The event of the report that told of it' }),
    cluster: z.string(),
    node: z.string().nullable(),
    vmid: z.string(),
    name: z.string().nullable(),
    status: z.enum(BACKUP_STATUSES),
    startedAt: time,
    durationSeconds: z.int().nullable(),
    sizeBytes: z.number().nullable(),
    file: z.string().nullable(),
    jobId: z.string().nullable(),
    log: z.string().nullable(),
  })
  .openapi('Backup')

const parkedSchema = z
  .object({ reason: z.string(), from: time, to: time.nullable(), by: z.string() })
  .nullable()

const guestSchema = z
  .object({
    cluster: z.string(),
    vmid: z.string(),
    name: z.string().nullable(),
    node: z.string().nullable(),
    firstSeenAt: time,
    lastSeenAt: time,
    lastSuccessAt: time.nullable(),
    lastStatus: z.enum(BACKUP_STATUSES).nullable(),
    parked: parkedSchema,
  })
  .openapi('Guest')

const coverageSchema = z
  .object({
    days: z.array(z.string()).openapi({ description: 'Dates in the time zone that was asked for' }),
    guests: z.array(
      z.object({
        cluster: z.string(),
        vmid: z.string(),
        name: z.string().nullable(),
        node: z.string().nullable(),
        days: z.array(z.enum(['ok', 'failed', 'aborted', 'absent', 'unknown'])),
        lastSuccessAt: time.nullable(),
        parked: parkedSchema,
      }),
    ),
  })
  .openapi('Coverage')

const name = storable().min(1).max(255)
const guestName = z.object({ cluster: storable().max(255), vmid: name })
const jobName = z.object({ cluster: storable().max(255), jobId: name })

/** `startedAt|id` of the last row of a page. */
const position = z
  .string()
  .max(100)
  .transform((text, context) => {
    const [at, id] = text.split('|')
    const date = new Date(at ?? '')
    if (!Number.isNaN(date.getTime()) && z.uuid().safeParse(id).success) return { at: date, id: id! }
    context.addIssue({ code: 'custom', message: 'is not a cursor of this list' })
    return z.NEVER
  })
  .openapi({ type: 'string' })

/** Backups of guests, by day and by guest, and what is expected of them. */
export function backupRoutes({ db, now, expected }: BackupDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/backups',
        summary: 'Backups of guests, the latest first',
        request: {
          query: z.object({
            from: instant.optional(),
            to: instant.optional(),
            node: name.optional(),
            vmid: name.optional(),
            cluster: storable().max(255).optional(),
            status: z.enum(BACKUP_STATUSES).optional(),
            limit,
            cursor: position.optional(),
          }),
        },
        responses: {
          200: json(
            z.object({ items: z.array(backupSchema), nextCursor: z.string().nullable() }),
            'A page of backups',
          ),
          ...problems,
        },
      }),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        const found = await listGuestBackups(db, filter, cursor ?? null, limit + 1)
        const rows = found.slice(0, limit)
        const last = rows.at(-1)
        const more = found.length > limit && last
        const items = rows.map((row) => ({ ...row, startedAt: row.startedAt.toISOString() }))
        return c.json({ items, nextCursor: more ? `${last.startedAt.toISOString()}|${last.id}` : null }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/backups/coverage',
        summary: 'Which guest has a backup of which day',
        request: {
          query: z.object({
            from: instant.optional(),
            to: instant.optional(),
            tz: z.string().max(64).default('UTC').openapi({ example: 'Europe/Berlin' }),
          }),
        },
        responses: { 200: json(coverageSchema, 'A row for each guest, a cell for each day'), ...problems },
      }),
      async (c) => {
        const { tz, ...span } = c.req.valid('query')
        const to = span.to ?? now()
        const from = span.from ?? new Date(to.getTime() - 29 * DAY_MS)
        requireTimeZone(tz)
        if (from >= to) throw invalidInput('request', [{ path: 'from', message: 'must lie before to' }])
        if (from.getTime() < 0 || to.getTime() > LATEST) {
          throw invalidInput('request', [{ path: 'from', message: 'must lie between 1970 and 9998' }])
        }
        if (to.getTime() - from.getTime() > MAX_DAYS * DAY_MS) {
          throw invalidInput('request', [{ path: 'from', message: `spans more than ${MAX_DAYS} days` }])
        }
        const days = await listDays(db, from, to, tz).catch(refuseTimeZone)
        const [guests, marks, listening] = await Promise.all([
          listGuests(db, now()),
          listBackupMarks(db, days[0]!.from, days.at(-1)!.to),
          listListening(db, new Date(days[0]!.from.getTime() - DAY_MS)),
        ])
        return c.json(
          { days: days.map(({ date }) => date), guests: cover(days, guests, marks, listening, now()) },
          200,
        )
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/guests',
        summary: 'Guests that reports told of',
        responses: { 200: json(z.object({ items: z.array(guestSchema) }), 'All guests'), ...problems },
      }),
      async (c) => c.json({ items: (await listGuests(db, now())).map(guestView) }, 200),
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/guests/park',
        summary: 'Say that a guest needs no backup for a time',
        request: {
          body: {
            required: true,
            content: {
              'application/json': {
                schema: guestName
                  .extend({ reason: storable().trim().min(1).max(500), until: instant.nullish() })
                  .strict(),
              },
            },
          },
        },
        responses: { 204: { description: 'Parked' }, ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { until, ...wish } = c.req.valid('json')
        const by = c.get('caller').name
        if (until && until <= now()) {
          throw invalidInput('request', [{ path: 'until', message: 'must lie in the future' }])
        }
        const found = await parkGuest(db, { ...wish, by, from: now(), to: until ?? null })
        if (!found) throw notFound(`The guest ${wish.vmid} of ${wish.cluster || 'no cluster'}`)
        return c.body(null, 204)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/guests/unpark',
        summary: 'Expect backups of a guest again',
        request: {
          body: { required: true, content: { 'application/json': { schema: guestName.strict() } } },
        },
        responses: { 204: { description: 'Not parked any more' }, ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { cluster, vmid } = c.req.valid('json')
        if (!(await unparkGuest(db, cluster, vmid, now()))) throw notFound(`A parked guest ${vmid}`)
        return c.body(null, 204)
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/expectations',
        summary: 'Runs of backup jobs that are expected next, and rhythms set by hand',
        responses: {
          200: json(
            z.object({
              expected: z.array(jobName.extend({ node: z.string(), at: time, deadline: time })),
              rhythms: z.array(jobName.extend({ rhythm: z.string(), by: z.string(), updatedAt: time })),
            }),
            'Expectations',
          ),
          ...problems,
        },
      }),
      async (c) => {
        const rhythms = await listRhythms(db)
        const answer = {
          expected: expected().map(({ at, deadline, ...run }) => ({
            ...run,
            at: new Date(at).toISOString(),
            deadline: new Date(deadline).toISOString(),
          })),
          rhythms: rhythms.map((row) => ({ ...row, updatedAt: row.updatedAt.toISOString() })),
        }
        return c.json(answer, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'put',
        path: '/expectations',
        summary: 'Set the rhythm of a job, such as "every 24h grace 3h"; null: learn it again',
        request: {
          body: {
            required: true,
            content: {
              'application/json': {
                schema: jobName.extend({ rhythm: z.string().max(100).nullable() }).strict(),
              },
            },
          },
        },
        responses: { 204: { description: 'Set' }, ...problems },
      }),
      async (c) => {
        const { rhythm, ...job } = c.req.valid('json')
        if (rhythm === null) {
          await forgetRhythm(db, job)
          return c.body(null, 204)
        }
        if (!parseRhythm(rhythm)) {
          const message = 'must look like: every 24h grace 3h (m, h, d or w; at least every 5m)'
          throw invalidInput('request', [{ path: 'rhythm', message }])
        }
        await setRhythm(db, { ...job, rhythm, by: c.get('caller').name, updatedAt: now() })
        return c.body(null, 204)
      },
    )
}

/** The database may not know each zone that we do. SQLSTATE 22023: invalid parameter value. */
function refuseTimeZone(error: { code?: unknown }): never {
  throw error.code === '22023' ? notATimeZone() : error
}

function spanOf({ from, to }: { from: Date; to: Date }) {
  return { from: from.getTime(), to: to.getTime() }
}

function parkedView(parked: Guest['parked']) {
  return parked && { ...parked, from: parked.from.toISOString(), to: parked.to?.toISOString() ?? null }
}

function guestView({ parked, ...guest }: Guest) {
  return {
    ...guest,
    firstSeenAt: guest.firstSeenAt.toISOString(),
    lastSeenAt: guest.lastSeenAt.toISOString(),
    lastSuccessAt: guest.lastSuccessAt?.toISOString() ?? null,
    parked: parkedView(parked),
  }
}

function cover(
  days: { from: Date; to: Date }[],
  guests: Guest[],
  marks: Awaited<ReturnType<typeof listBackupMarks>>,
  listening: { from: Date; to: Date }[],
  now: Date,
) {
  const spans = days.map(spanOf)
  const heard = listening.map(spanOf)
  const byGuest = Map.groupBy(marks, ({ cluster, vmid }) => `${vmid} ${cluster}`)
  return guests.map((guest) => {
    const { cluster, vmid, name, node, lastSuccessAt } = guest
    const backups = (byGuest.get(`${vmid} ${cluster}`) ?? []).map(({ startedAt, status }) => ({
      at: startedAt.getTime(),
      status,
    }))
    return {
      cluster,
      vmid,
      name,
      node,
      days: coverGuest(spans, backups, guest.firstSeenAt.getTime(), heard, now.getTime()),
      lastSuccessAt: lastSuccessAt?.toISOString() ?? null,
      parked: parkedView(guest.parked),
    }
  })
}
