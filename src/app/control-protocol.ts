// What the command line and a running server say to each other over run/control.sock: one JSON object a line.
// The client opens a call with `{v:1,id,command,argv,cwd,stdin?}` and may stream its input as `{id,stdin}` lines
// (base64) up to `{id,end:true}`; the server answers `{id,out}`, `{id,err}`, `{id,progress}` and last `{id,exit}`.

export const protocolVersion = 1

/** One command to run in the server process. */
export interface CallFrame {
  readonly kind: 'call'
  readonly id: number
  readonly command: string
  readonly argv: readonly string[]
  /** Where the client stands: relative directories in its arguments start here. */
  readonly cwd: string
  /** Lines of input follow. */
  readonly stdin: boolean
}

export type ClientFrame =
  | CallFrame
  | { readonly kind: 'stdin'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly id: number }
  /** A version or a shape that this server does not know. */
  | { readonly kind: 'strange'; readonly id: number; readonly words: string }

export type ServerFrame =
  | { readonly kind: 'out' | 'err' | 'progress'; readonly id: number; readonly text: string }
  | { readonly kind: 'exit'; readonly id: number; readonly code: number }

/** Never throws: what cannot be understood comes out as `strange`, with words for the client. */
export function readClientFrame(line: string): ClientFrame {
  const frame = parseObject(line)
  const id = typeof frame?.id === 'number' ? frame.id : 0
  if (frame === null) return { kind: 'strange', id, words: 'the line is not a JSON object' }
  if (typeof frame.stdin === 'string') return { kind: 'stdin', id, bytes: Buffer.from(frame.stdin, 'base64') }
  if (frame.end === true) return { kind: 'end', id }
  if (frame.v !== protocolVersion) {
    const words = `the server speaks version ${protocolVersion} of the control protocol, not ${JSON.stringify(frame.v) ?? 'an unnamed one'}; use the posthorn command that belongs to it, or restart the server`
    return { kind: 'strange', id, words }
  }
  const { command, argv } = frame
  const isText = (value: unknown): value is string => typeof value === 'string'
  if (!isText(command) || !Array.isArray(argv) || !argv.every(isText))
    return { kind: 'strange', id, words: 'a call needs `command` (text) and `argv` (texts)' }
  const cwd = isText(frame.cwd) ? frame.cwd : '/'
  return { kind: 'call', id, command, argv, cwd, stdin: frame.stdin === true }
}

/** Null for a line that no server of this version writes. */
export function readServerFrame(line: string): ServerFrame | null {
  const frame = parseObject(line)
  if (frame === null || typeof frame.id !== 'number') return null
  const { id } = frame
  for (const kind of ['out', 'err', 'progress'] as const) {
    const text = frame[kind]
    if (typeof text === 'string') return { kind, id, text }
  }
  return typeof frame.exit === 'number' ? { kind: 'exit', id, code: frame.exit } : null
}

export function formatClientFrame(frame: Exclude<ClientFrame, { kind: 'strange' }>): string {
  const { id } = frame
  if (frame.kind === 'end') return `${JSON.stringify({ id, end: true })}\n`
  if (frame.kind === 'stdin')
    return `${JSON.stringify({ id, stdin: Buffer.from(frame.bytes).toString('base64') })}\n`
  const { command, argv, cwd, stdin } = frame
  return `${JSON.stringify({ v: protocolVersion, id, command, argv, cwd, ...(stdin ? { stdin } : {}) })}\n`
}

export function formatServerFrame(frame: ServerFrame): string {
  const { id } = frame
  return `${JSON.stringify(frame.kind === 'exit' ? { id, exit: frame.code } : { id, [frame.kind]: frame.text })}\n`
}

/** Cuts text into lines; what is left after the last line end waits for more. */
export class LineSplitter {
  #rest = ''

  push(text: string): string[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    return lines
  }

  /** Characters that wait for their line end. */
  get waiting(): number {
    return this.#rest.length
  }
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null
  } catch {
    return null
  }
}
