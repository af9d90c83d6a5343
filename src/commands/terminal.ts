/** Where a command writes: results to `out`, all else to `err`. */
export type Terminal = { out: NodeJS.WriteStream; err: NodeJS.WriteStream; exitCode: number }
