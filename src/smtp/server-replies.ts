// Every word that the receiving side says of itself (RFC 5321 §4.2.3, RFC 3463). What is known of a recipient
// or a message is said by the station behind it.
import { type Reply, reply } from './reply.ts'

export type Dialect = 'lmtp' | 'smtp'

/** RFC 2033 §4.1: LMTP says LHLO, so that nobody takes one protocol for the other. */
export const hello = (dialect: Dialect): 'LHLO' | 'EHLO' => (dialect === 'lmtp' ? 'LHLO' : 'EHLO')

export const greeting = (host: string, dialect: Dialect): Reply =>
  reply(220, null, `${host} ${dialect === 'lmtp' ? 'LMTP' : 'ESMTP'} Posthorn`)

/** RFC 2033 §5: PIPELINING and ENHANCEDSTATUSCODES are a must. The enhanced code is left out (RFC 2034 §4). */
export const capabilities = (host: string, maxMessageSize: number): Reply =>
  reply(
    250,
    null,
    host,
    'PIPELINING',
    'ENHANCEDSTATUSCODES',
    '8BITMIME',
    `SIZE ${maxMessageSize}`,
    'SMTPUTF8',
    'CHUNKING',
  )

export const replies = {
  ok: reply(250, '2.0.0', 'OK'),
  senderOk: reply(250, '2.1.0', 'sender OK'),
  recipientOk: reply(250, '2.1.5', 'recipient OK'),
  goAhead: reply(354, null, 'end the message with <CR><LF>.<CR><LF>'),
  bye: reply(221, '2.0.0', 'bye'),
  help: reply(214, '2.0.0', 'LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; see RFC 2033'),
  helpSmtp: reply(214, '2.0.0', 'EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; see RFC 5321'),
  verify: reply(252, '2.0.0', 'RCPT tells whether an address is one of ours'),

  shuttingDown: reply(421, '4.3.2', 'shutting down, try again later'),
  tooManyConnections: reply(421, '4.3.2', 'too many connections, try again later'),
  idle: reply(421, '4.4.2', 'nothing came for too long, closing'),
  tooManyBadCommands: reply(421, '4.7.0', 'too many bad commands, closing'),

  noRoomNow: reply(451, '4.3.2', 'too much mail is coming in at once, try again later'),
  tooManyRecipients: reply(452, '4.5.3', 'too many recipients, send the message again for the rest'),

  lineTooLong: reply(500, '5.5.2', 'command line too long'),
  bareLineEnd: reply(500, '5.5.2', 'a command ends with <CR><LF>, and has neither of them inside'),
  notText: reply(500, '5.5.2', 'a command is text in ASCII or UTF-8'),
  notExpanded: reply(502, '5.5.1', 'lists are not expanded'),
  noTls: reply(502, '5.5.1', 'no TLS here'),
  noAuth: reply(502, '5.5.1', 'no AUTH here: who may connect is a matter of addresses'),
  nestedMail: reply(503, '5.5.1', 'a MAIL is under way, say RSET first'),
  mailFirst: reply(503, '5.5.1', 'say MAIL first'),
  recipientFirst: reply(503, '5.5.1', 'no recipient has been accepted'),
  inChunks: reply(503, '5.5.1', 'the message is coming in by BDAT, go on or say RSET'),

  badSender: reply(501, '5.1.7', 'that sender is not an address'),
  badRecipient: reply(501, '5.1.3', 'that recipient is not an address'),
  badSize: reply(501, '5.5.4', 'SIZE wants a number of octets'),
  needsUtf8: reply(553, '5.6.7', 'an address beyond ASCII needs SMTPUTF8 on MAIL'),
  bareInMessage: reply(554, '5.6.0', 'the message has a bare CR or bare LF; lines end with <CR><LF>'),
} as const satisfies Record<string, Reply>

export const sayHelloFirst = (dialect: Dialect): Reply => reply(503, '5.5.1', `say ${hello(dialect)} first`)

export const wrongHello = (verb: string, dialect: Dialect): Reply =>
  reply(500, '5.5.1', `this is ${dialect.toUpperCase()}: say ${hello(dialect)} rather than ${verb}`)

export const unknownCommand = (word: string): Reply => reply(500, '5.5.1', `unknown command ${word}`.trim())
export const malformed = (words: string): Reply => reply(501, '5.5.4', words)
export const unknownParameter = (keyword: string): Reply =>
  reply(555, '5.5.4', `parameter ${keyword.slice(0, 40)} is not known here`)
export const tooBig = (limit: number): Reply => reply(552, '5.3.4', `message exceeds ${limit} bytes`)
export const chunkTaken = (size: number): Reply => reply(250, '2.0.0', `${size} octets received`)
