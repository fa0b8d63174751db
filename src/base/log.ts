// The log: one JSON line per event, times in UTC. Events have names (`post.held`), not prose, so that a
// search for a queue item tells a message's whole story.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { openLineSink } from './line-sink.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
  /** A log that adds these fields to each line. */
  with(fields: Fields): Log
}

export interface LogFile extends Log {
  /** Opens the file anew (after logrotate moved it); does nothing on standard output. */
  reopen(): void
}

/** `target` is a path, or 1 for standard output. Lines are written at once: a crash loses none. Throws when the path cannot be opened. */
export function openLog(target: string | 1, level: 'debug' | 'info' | 'warn' | 'error' = 'info'): LogFile {
  if (target !== 1) mkdirSync(dirname(target), { recursive: true })
  const sink = openLineSink(target)
  return { ...logTo(sink, level), reopen: sink.reopen }
}

/** A log into any stream that takes lines; workers use it to hand their lines to the main thread. */
export function logTo(stream: DestinationStream, level: 'debug' | 'info' | 'warn' | 'error' = 'info'): Log {
  const root = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return wrap(root)
}

/** Swallows everything; for tests that look at effects only. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
}

function wrap(root: Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>): Log {
  return {
    debug: (event, fields = {}) => root.debug(fields, event),
    info: (event, fields = {}) => root.info(fields, event),
    warn: (event, fields = {}) => root.warn(fields, event),
    error: (event, fields = {}) => root.error(fields, event),
    with: (fields) => wrap(root.child(fields)),
  }
}
