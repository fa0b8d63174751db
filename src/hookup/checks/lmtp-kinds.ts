// What can be wrong at our own door, where the mail server hands mail in (RFC 2033).
import type { FindingKind } from '../../model/hookup.ts'

const deferred = 'The mail server keeps all mail for lists in its queue, and sends it back after days.'

export const refused: FindingKind = {
  code: 'lmtp.refused',
  severity: 'error',
  summary: 'Nothing listens where the mail server hands mail in',
  why: deferred,
  change: 'posthorn start',
  rank: 110,
}

export const noSuchAddress: FindingKind = {
  code: 'lmtp.no-such-address',
  severity: 'error',
  summary: '[mta] lmtp_host cannot be reached, or is no name that can be looked up',
  why: `Posthorn cannot listen there, and the mail server cannot connect. ${deferred}`,
  change: 'Write an address of this machine: [mta] lmtp_host: 127.0.0.1',
  rank: 110,
}

export const silent: FindingKind = {
  code: 'lmtp.silent',
  severity: 'error',
  summary: 'The LMTP port is open, but nobody greets there',
  why: `What listens is no LMTP server, or hangs: the mail server says "lost connection while receiving the initial server greeting". ${deferred}`,
  change:
    "See with 'ss -ltnp' which program has the port; 'posthorn status' tells whether ours still answers.",
  rank: 111,
}

export const notLmtp: FindingKind = {
  code: 'lmtp.not-lmtp',
  severity: 'error',
  summary: 'The LMTP port speaks another protocol',
  why: `The mail server says LHLO and gets an answer that it cannot use. ${deferred}`,
  change:
    "Stop the program that has the port ('ss -ltnp' names it), or set [mta] lmtp_port to a port of its own.",
  rank: 111,
}

export const otherProgram: FindingKind = {
  code: 'lmtp.other-program',
  severity: 'error',
  summary: 'Another LMTP server has our port',
  why: 'Mail for lists goes to that program (a GNU Mailman that still runs, Dovecot), which refuses it or keeps it.',
  change:
    "Stop that program ('ss -ltnp' names it), or set [mta] lmtp_port to a free port and write the tables again: posthorn aliases",
  rank: 111,
}

export const otherInstallation: FindingKind = {
  code: 'lmtp.other-installation',
  severity: 'error',
  summary: 'Another Posthorn answers at the LMTP port',
  why: 'It has a database of its own and does not know our lists: mail for them is refused, or lands there.',
  change:
    "Stop the other one ('ss -ltnp' names it), or give each its own [mta] lmtp_port. Was the data directory removed while the server ran? Then this is it: end it by its pid. Perhaps the server was started with another configuration: 'posthorn -C FILE start' and 'posthorn -C FILE doctor' must name the same file.",
  rank: 112,
}

export const oneFamily: FindingKind = {
  code: 'lmtp.one-family',
  severity: 'info',
  summary: '[mta] lmtp_host has several addresses, and not all of them listen',
  why: 'Posthorn listens at one of them. A mail server that tries only another defers all mail for lists.',
  change: 'Write the address itself, which cannot be misunderstood: [mta] lmtp_host: 127.0.0.1',
  rank: 190,
}

export const turnedAway: FindingKind = {
  code: 'lmtp.turned-away',
  severity: 'error',
  summary: 'Our own door turns this machine away, and with it a mail server that runs here',
  why: `[lmtp] allow does not name the address that the mail server comes from. ${deferred}`,
  change: 'Add it, or leave [lmtp] allow empty, which lets in this machine and smtp_host.',
  rank: 113,
}

export const notLetIn: FindingKind = {
  code: 'lmtp.not-let-in',
  severity: 'info',
  summary: '[lmtp] allow leaves out a machine that may be a mail server',
  why: 'If mail for lists comes from there, it waits in that mail server and is sent back after days. If not, all is well.',
  change: 'If a mail server hands mail in from there, add its address to [lmtp] allow.',
  rank: 191,
}

export const busy: FindingKind = {
  code: 'lmtp.busy',
  severity: 'warning',
  summary: 'The door has too many connections open, or is closing',
  why: 'Mail waits at the mail server until connections end.',
  change:
    "See with 'posthorn status' what it works on; a mail server that holds connections open is told so in its own configuration.",
  rank: 114,
}

export const unknownAccepted: FindingKind = {
  code: 'lmtp.unknown-accepted',
  severity: 'error',
  summary: 'The LMTP port takes mail for a list that does not exist',
  why: 'What answers there is not our server: mail that it takes is lost to us.',
  change: 'Find out what has the port: ss -ltnp',
  rank: 112,
}

export const noRoom: FindingKind = {
  code: 'lmtp.no-room',
  severity: 'error',
  summary: 'The door takes no mail, because the disk is nearly full',
  why: 'Below [store] reserve new mail is put off, so that the queue can drain. The mail server keeps it meanwhile.',
  change: 'Free some space on the file system of the data directory.',
  rank: 106,
}

export const fault: FindingKind = {
  code: 'lmtp.fault',
  severity: 'error',
  summary: 'The door answers a known list with a temporary failure',
  why: deferred,
  change:
    "The server's log says why: look for lmtp.recipient-fault; 'posthorn status' shows the last errors.",
  rank: 113,
}

export const socketMissing: FindingKind = {
  code: 'lmtp.socket-missing',
  severity: 'error',
  summary: 'The LMTP socket of [lmtp] socket is not there, or nobody listens at it',
  why: `A mail server that hands mail in there says "No such file or directory" or "Connection refused". ${deferred}`,
  change: 'posthorn restart',
  rank: 110,
}

export const socketClosed: FindingKind = {
  code: 'lmtp.socket-closed',
  severity: 'warning',
  summary: "The mail server's account may not use the LMTP socket",
  why: 'Connecting to a socket needs write permission for it, and x on every folder above it.',
  change: 'Make the account a member of the group that the socket belongs to, and restart the mail server.',
  rank: 115,
}
