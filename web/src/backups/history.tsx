import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { formatBytes, formatSeconds } from '../parts/amount.ts'
import { Badge } from '../parts/band.tsx'
import { LogView } from '../parts/log-view.tsx'
import { Time } from '../parts/time.tsx'
import type { Backup } from './data.ts'
import { STATUSES } from './states.ts'

const COLUMNS = 6

/** Each backup of a guest; its log opens below it. */
export function History({ backups }: { backups: Backup[] }) {
  return (
    <div class="card table-scroll">
      <table class="table table-cards history">
        <thead>
          <tr>
            <th scope="col">Started</th>
            <th scope="col">Result</th>
            <th scope="col">Took</th>
            <th scope="col">Size</th>
            <th scope="col">Node and job</th>
            <th scope="col">
              <span class="visually-hidden">More</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {backups.map((backup) => (
            <BackupRow key={backup.id} backup={backup} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function BackupRow({ backup }: { backup: Backup }) {
  const { id, startedAt, status, durationSeconds, sizeBytes, node, jobId, file, log, stackId } = backup
  const [isOpen, setOpen] = useState(false)
  return (
    <Fragment>
      <tr class="history-row">
        <th scope="row" class="history-when">
          <Time at={startedAt} />
        </th>
        <td data-label="Result">
          <Badge {...STATUSES[status]} />
        </td>
        <td data-label="Took" class="history-took numeric">
          {durationSeconds === null ? '–' : formatSeconds(durationSeconds)}
        </td>
        <td data-label="Size" class="history-size numeric">
          {sizeBytes === null ? '–' : formatBytes(sizeBytes)}
        </td>
        <td data-label="Node and job" class="history-job small">
          <span>
            <span class="mono foreign">{node ?? '–'}</span>{' '}
            <span class="soft foreign">{jobId ?? 'by hand'}</span>
          </span>
        </td>
        <td class="cell-end">
          <span class="cell-tools">
            {stackId && (
              <Link class="button button-quiet small" href={`/?state=all&stack=${stackId}`}>
                On the timeline
              </Link>
            )}
            <button
              type="button"
              class="button small"
              aria-expanded={isOpen}
              aria-controls={`log-${id}`}
              disabled={!log && !file}
              onClick={() => setOpen(!isOpen)}
            >
              {isOpen ? 'Hide log' : 'Log'}
            </button>
          </span>
        </td>
      </tr>
      {isOpen && (
        <tr id={`log-${id}`}>
          <td colSpan={COLUMNS} class="history-log">
            {file && (
              <p class="small">
                <span class="soft">File </span>
                <code class="foreign">{file}</code>
              </p>
            )}
            {log ? (
              <LogView text={log} label="Log of the backup" />
            ) : (
              <p class="soft small">The log of this backup is not kept.</p>
            )}
          </td>
        </tr>
      )}
    </Fragment>
  )
}
