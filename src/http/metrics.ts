import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Delivery } from '../access.ts'

export type Metrics = { registry: Registry; countDelivery: (delivery: Delivery) => void }

type SpoolFigures = { depth: number; bytes: number; oldestAgeSeconds: number | null }

/** Figures for Prometheus. Labels hold no text of senders, whose variety has no bound. */
export function createMetrics(isUp: () => boolean, spool: () => SpoolFigures): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const deliveries = new Counter({
    name: 'tempo_deliveries_total',
    help: 'Attempts on ingest paths by status and reason',
    labelNames: ['status', 'reason'],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'tempo_delivery_duration_seconds',
    help: 'From the request to the answer, commit included',
    labelNames: ['status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  new Gauge({
    name: 'tempo_up',
    help: '1 while events can be accepted',
    registers: [registry],
    collect() {
      this.set(isUp() ? 1 : 0)
    },
  })
  const gauge = (name: string, help: string, value: (figures: SpoolFigures) => number) =>
    new Gauge({
      ...{ name, help },
      registers: [registry],
      collect() {
        this.set(value(spool()))
      },
    })
  gauge('tempo_spool_depth', 'Accepted events that wait for the database', ({ depth }) => depth)
  gauge('tempo_spool_bytes', 'Bytes of the spool on disk', ({ bytes }) => bytes)
  gauge(
    'tempo_spool_oldest_age_seconds',
    'Since the oldest event of the spool came; 0 when it is empty',
    ({ oldestAgeSeconds }) => oldestAgeSeconds ?? 0,
  )
  return {
    registry,
    countDelivery: ({ status, reason, durationMs }) => {
      deliveries.inc({ status, reason: reason ?? '' })
      duration.observe({ status }, durationMs / 1_000)
    },
  }
}
