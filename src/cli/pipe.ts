// `posthorn-qmail`, also `qmail-lmtp`: the command of a .qmail line. It needs no configuration of Posthorn, so that it
// works for any mail server that can only start a program. Law: 0 and 100 are said after the server said so; whatever
// else happens, a fault of this program included, the mail server keeps the message. Standard input is read to its
// end before any exit (qmail-command(8)).
import { surroundings } from '../app/surroundings.ts'
import { readCall, readEnvelope, usage } from '../hookup/pipe/envelope.ts'
import { handOver, type Outcome } from '../hookup/pipe/hand-over.ts'
import { WireText } from '../hookup/pipe/wire-text.ts'

interface ExitCodes {
  readonly delivered: number
  readonly later: number
  readonly unknown: number
  readonly never: number
}

const ofQmail: ExitCodes = { delivered: 0, later: 111, unknown: 100, never: 100 }
/**
 * EX_OK, EX_TEMPFAIL, EX_NOUSER, EX_SOFTWARE. QUIRK: after any other code for "never" Courier refuses all mail from the
 * world for that address for up to two hours (courier(8), BOFHSUPPRESSBACKSCATTER), which one bad message must not do.
 */
const ofSysexits: ExitCodes = { delivered: 0, later: 75, unknown: 67, never: 70 }

async function run(argv: readonly string[]): Promise<Outcome> {
  const text = new WireText()
  for await (const piece of process.stdin) text.push(piece)
  if (argv.includes('--help')) return { kind: 'later', words: usage }
  const call = readCall(argv)
  if ('wrong' in call) return { kind: 'later', words: `${call.wrong}\n${usage}` }
  const envelope = readEnvelope(call.good, surroundings(null).environment)
  if ('wrong' in envelope) return { kind: 'later', words: envelope.wrong }
  return handOver(call.good.place, envelope.good, { pieces: text.finish(), eightBit: text.eightBit })
}

function fault(cause: unknown): Outcome {
  return { kind: 'later', words: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
}

const words = process.argv.slice(2)
const argv = words.filter((word) => word !== '--sysexits')
const codes = argv.length < words.length ? ofSysexits : ofQmail
process.stderr.on('error', () => undefined) // nobody reads: the exit code says it
const outcome = await run(argv).catch(fault)
if (outcome.kind !== 'delivered') process.stderr.write(`posthorn-qmail: ${outcome.words.trimEnd()}\n`)
process.exit(codes[outcome.kind])
