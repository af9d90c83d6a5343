/** Prometheus Alertmanager, which takes alerts by HTTP, too, and keeps them in memory. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBodies } from '../bodies.ts'
import { findProgram, freePort, startService } from '../child.ts'
import { type Bench, CannotRun, type Contender, type Running } from '../contender.ts'
import { runWrk } from '../wrk.ts'

const find = () => findProgram('prometheus-alertmanager', 'alertmanager')

async function start(bench: Bench): Promise<Running> {
  const folder = await bench.makeFolder('alertmanager')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'alertmanager.yml')
  await writeFile(config, 'route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n')
  const service = await startService({
    command: find()!,
    args: [
      ...[`--config.file=${config}`, `--storage.path=${folder}`, '--log.level=warn'],
      // Without a cluster.
      ...[`--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='],
    ],
    logFile: join(folder, 'log'),
    readyUrl: `${url}/-/ready`,
  })
  const bodiesFile = await writeBodies(bench.folder, 'alertmanager')
  const target = { url: `${url}/api/v2/alerts`, bodiesFile, token: 'none' }
  return {
    pid: service.pid,
    log: service.log,
    load: (load) => runWrk(target, load),
    postmaster: null,
    countRows: null,
    stop: service.stop,
  }
}

export const alertmanager: Contender = {
  name: 'alertmanager',
  title: 'Prometheus Alertmanager',
  promise: 'in memory, gone with a restart; a repeated alert replaces the one before, so there is no history',
  warmUpSeconds: 5,
  prepare: async () => {
    if (!find()) {
      throw new CannotRun('Alertmanager is not installed; on Debian: apt-get install prometheus-alertmanager')
    }
  },
  start,
}
