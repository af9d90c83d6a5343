/** What every contender of the benchmark is to it, whatever it is inside. */
import type { BenchPostgres } from './postgres.ts'

/** One run of the load generator. */
export type Load = { connections: number; seconds: number }

export type LoadResult = {
  /** Good answers that the generator has read; up to one a connection more may be under way when it ends. */
  answers: number
  /** Seconds that it sent. */
  seconds: number
  /** Latencies in milliseconds. */
  p50: number
  p99: number
  /** A line for each kind of answer that was not good, and for each kind of fault; empty in a good run. */
  faults: string[]
}

/** A contender that answers. */
export type Running = {
  load: (load: Load) => Promise<LoadResult>
  /** Its own process; null when the load generator does its work, as pgbench. */
  pid: number | null
  /** The postmaster that it writes to; null when it stores nothing. */
  postmaster: number | null
  /** Counts the events that it has stored; null when it promises nothing. */
  countRows: (() => Promise<number>) | null
  /** The end of its log, for the report of a fault. */
  log: () => string
  stop: () => Promise<void>
}

export type Contender = {
  /** As in `--only`. */
  name: string
  title: string
  /** What an answer of it means. */
  promise: string
  /** Seconds of full load after which it is as fast as it will be, where that is soon. */
  warmUpSeconds?: number
  /** Done once, before the rounds; throws `CannotRun` when it cannot run here. */
  prepare?: (bench: Bench) => Promise<void>
  /** Starts it afresh, with nothing stored. */
  start: (bench: Bench) => Promise<Running>
}

/** What the rounds share. */
export type Bench = {
  /** A temporary folder that everybody may pass. */
  folder: string
  postgres: BenchPostgres
  /** The one that `npm ci` brings, started apart with the first call; null when {@link postgres} is that one. */
  packaged: (() => Promise<BenchPostgres>) | null
  /** Path of a new, empty folder in it, which PostgreSQL's user may pass, too. */
  makeFolder: (name: string) => Promise<string>
  /** Prints a line, once. */
  note: (text: string) => void
}

/** Says why something cannot run here, and what to do about it. */
export class CannotRun extends Error {}
