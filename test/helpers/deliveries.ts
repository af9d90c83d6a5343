/** Deliveries as the server records them. */
import { v7 as uuidv7 } from 'uuid'
import type { Delivery } from '../../src/access.ts'
import type { Database } from '../../src/storage/database.ts'
import { createChunk, type DeliveryChunk, readChunk } from '../../src/storage/delivery-chunks.ts'

/** An event that came with a token and was stored, recorded at an instant. */
export function plainDelivery(at: Date, change: Partial<Delivery> = {}): Delivery {
  return {
    id: uuidv7({ msecs: at.getTime() }),
    receivedAt: at,
    path: '/ingest',
    address: '2001:db8::1',
    userAgent: null,
    tokenId: '019ddc5e-7c00-7000-8000-000000000001',
    tokenName: 'pve',
    provider: 'com.proxmox',
    status: 200,
    reason: null,
    durationMs: 1.5,
    bytes: 12,
    eventId: uuidv7({ msecs: at.getTime() }),
    quarantineId: null,
    authenticated: true,
    ...change,
  }
}

export function chunkOf(deliveries: Delivery[]): DeliveryChunk {
  const chunk = createChunk()
  for (const delivery of deliveries) chunk.add(delivery)
  return chunk
}

/** Ids of what is stored as rows and in chunks, oldest first. */
export async function storedDeliveries(db: Database): Promise<{ rows: string[]; chunks: string[][] }> {
  const rows = await db.read<{ id: string }[]>`SELECT id FROM deliveries ORDER BY id`
  const chunks = await db.read<{ body: string }[]>`SELECT body FROM delivery_chunks ORDER BY last_id`
  return {
    rows: rows.map(({ id }) => id),
    chunks: chunks.map(({ body }) => readChunk(body).map(({ id }) => id)),
  }
}
