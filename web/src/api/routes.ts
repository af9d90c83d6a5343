/** Types only: nothing of the server comes into the page. */
import type { backupRoutes } from '../../../src/http/routes/backups.ts'
import type { connectRoutes } from '../../../src/http/routes/connect.ts'
import type { deliveryRoutes } from '../../../src/http/routes/deliveries.ts'
import type { overviewRoutes } from '../../../src/http/routes/overview.ts'
import type { scoreRoutes } from '../../../src/http/routes/scores.ts'
import type { timelineRoutes } from '../../../src/http/routes/timeline.ts'
import type { tokenRoutes } from '../../../src/http/routes/tokens.ts'
import type { triageRoutes } from '../../../src/http/routes/triage.ts'

export type TimelineApi = ReturnType<typeof timelineRoutes>
export type TriageApi = ReturnType<typeof triageRoutes>
export type OverviewApi = ReturnType<typeof overviewRoutes>
export type DeliveryApi = ReturnType<typeof deliveryRoutes>
export type ScoreApi = ReturnType<typeof scoreRoutes>
export type TokenApi = ReturnType<typeof tokenRoutes>
export type BackupApi = ReturnType<typeof backupRoutes>
export type ConnectApi = ReturnType<typeof connectRoutes>

export type { Action, EventView, StackView } from '../../../src/wire.ts'
