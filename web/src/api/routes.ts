/** Types only: nothing of the server comes into the page. */
import type { backupRoutes } from '../../../src/http/routes/backups.ts'
import type { channelRoutes } from '../../../src/http/routes/channels.ts'
import type { connectRoutes } from '../../../src/http/routes/connect.ts'
import type { deliveryRoutes } from '../../../src/http/routes/deliveries.ts'
import type { notificationRoutes } from '../../../src/http/routes/notifications.ts'
import type { overviewRoutes } from '../../../src/http/routes/overview.ts'
import type { scoreRoutes } from '../../../src/http/routes/scores.ts'
import type { silenceRoutes } from '../../../src/http/routes/silences.ts'
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
export type ChannelApi = ReturnType<typeof channelRoutes>
export type SilenceApi = ReturnType<typeof silenceRoutes>
export type NotificationApi = ReturnType<typeof notificationRoutes>

export type { ChannelRules, ChannelTarget, ChannelType, EventPreset, Weekday } from '../../../src/channel.ts'
export type { Severity } from '../../../src/event.ts'
export type { Action, EventView, StackView } from '../../../src/wire.ts'
export type { ChannelView } from '../../../src/wire-channels.ts'
