import { v7 as uuidv7 } from 'uuid'
import type { SpoolRecord } from './line.ts'

/** A record with a new id, of an event unless a problem is given. */
export function spoolRecord(given: Partial<SpoolRecord> = {}): SpoolRecord {
  return {
    id: uuidv7(),
    receivedAt: new Date('2026-04-29T10:00:00.123Z'),
    path: '/ingest',
    address: '192.0.2.1',
    contentType: null,
    tokenId: '019ddc5e-7c00-7000-8000-000000000001',
    tokenName: 'pve',
    providers: ['com.proxmox'],
    defaults: {},
    idempotencyKey: null,
    warnings: [],
    problem: null,
    body: Buffer.from('{"title":"x"}\n'),
    ...given,
  }
}
