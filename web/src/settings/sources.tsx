import { Link } from 'wouter-preact'
import { overviewApi, read } from '../api/client.ts'
import { Badge } from '../parts/band.tsx'
import { useLoad, usePolling } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { Section } from './section.tsx'

const REFRESH_MS = 30_000
/** After this a source is called silent. */
const SILENT_MS = 7 * 86_400_000
const count = new Intl.NumberFormat()

function loadSources() {
  return read(overviewApi.sources.$get()).then(({ items }) => items)
}

/** Who sends, how much, and how long ago. */
export function SourcesSection() {
  const { value, error, reload } = useLoad(loadSources, [])
  usePolling(reload, REFRESH_MS)
  return (
    <Section
      title="Sources"
      about="Everything that ever sent an event. Its name and colour are in its score; its worst open severity is of stacks that nobody has dismissed."
    >
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows />}
      {value?.length === 0 && (
        <div class="empty card">
          <p>Nothing has sent anything yet.</p>
          <Link class="button button-primary" href="/settings/connect">
            Connect Proxmox
          </Link>
        </div>
      )}
      {value && value.length > 0 && (
        <div class="card table-scroll">
          <table class="table table-cards">
            <thead>
              <tr>
                <th scope="col">Source</th>
                <th scope="col">Worst open</th>
                <th scope="col">Events</th>
                <th scope="col">Last seen</th>
                <th scope="col">
                  <span class="visually-hidden">More</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {value.map((source) => (
                <tr key={source.provider}>
                  <th scope="row">
                    <span class="source-name">
                      <span class="swatch" style={{ background: source.color }} aria-hidden="true" />
                      <span class="foreign">{source.displayName}</span>
                    </span>
                    <code class="soft small foreign">{source.provider}</code>
                  </th>
                  <td data-label="Worst open">
                    {source.worstOpenSeverity ? (
                      <Badge band={source.worstOpenSeverity} label={source.worstOpenSeverity} />
                    ) : (
                      <span class="soft">nothing open</span>
                    )}
                  </td>
                  <td data-label="Events" class="numeric">
                    {count.format(source.events)}
                  </td>
                  <td data-label="Last seen">
                    <LastSeen at={source.lastSeenAt} />
                  </td>
                  <td class="cell-end">
                    <Link
                      class="button button-quiet small"
                      href={`/?state=all&provider=${encodeURIComponent(source.provider)}`}
                    >
                      On the timeline
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  )
}

function LastSeen({ at }: { at: string }) {
  if (Date.now() - Date.parse(at) < SILENT_MS) return <Time at={at} as="relative" />
  return (
    <span class="silent">
      silent since <Time at={at} />
    </span>
  )
}
