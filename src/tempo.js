#!/usr/bin/env node
/**
 * The command `tempo`. The one file of the server in plain JavaScript: what Node needs to read TypeScript takes 17 MB of
 * memory and a twentieth of a second, and is not loaded where the cache of what it compiled has everything. That cache must
 * be there before the first file of TypeScript.
 */
import { mkdirSync, statSync } from 'node:fs'
import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const NEEDED = 24

/** It is read and run unseen, so it lies in a folder of the user alone, or nowhere. */
function keepCompiled() {
  const folder = join(homedir(), '.cache', 'tempo-server')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(folder)
    if (process.getuid && (uid !== process.getuid() || (mode & 0o022) !== 0)) return
    module.enableCompileCache(folder)
  } catch {
    // It starts more slowly.
  }
}

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  console.error(
    `Tempo server needs Node ${NEEDED}, and this is ${process.version}. Start it with npm start or npx tempo, which bring their own.`,
  )
  process.exit(1)
}
keepCompiled()
const { main } = await import('./cli.ts')
await main()
