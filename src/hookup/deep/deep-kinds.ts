// Where a trial post can stop on its way round the loop.
import type { FindingKind } from '../../model/hookup.ts'

const stops = (name: string, rank: number, summary: string, why: string, change: string): FindingKind => ({
  code: `deep.${name}`,
  severity: 'error',
  summary,
  why,
  change,
  rank,
})

export const notPublished = stops(
  'not-published',
  130,
  "The mail server's tables cannot be brought up to date",
  'A new list would be refused, so the trial was not made.',
  'Mend what is named, then: posthorn aliases',
)

export const notReread = stops(
  'not-reread',
  131,
  'The mail server was not told of the lists of the trial, and refuses them',
  'It reads its tables when it starts or is told to, so a new list works only then.',
  'Let Posthorn tell it: reload_command, in the section of that mail server in the file that [mta] configuration names.',
)

export const noMailServer = stops(
  'no-mail-server',
  131,
  'The trial post cannot be given to the mail server',
  'Posts and letters cannot leave either.',
  "'posthorn doctor' says more about it.",
)

export const refused = stops(
  'refused',
  132,
  'The mail server refuses the address of a list',
  'It does not know that mail for this domain, or this address, is for Posthorn.',
  "'posthorn hookup' prints what the mail server needs.",
)

export const putOff = stops(
  'put-off',
  132,
  'The mail server puts off mail for a list',
  'It does not know yet: it cannot use a table, or waits for an answer. Posts are not lost, but wait at whoever sent them.',
  "Its log names the table. 'posthorn aliases' makes the tables anew; Postfix goes on to miss one that was away until 'postfix reload'.",
)

export const notHandedIn = stops(
  'not-handed-in',
  133,
  'The mail server took the trial post, and it did not come in by LMTP',
  'Posts to lists in this domain wait there, go elsewhere, or are sent back.',
  "'posthorn hookup' prints what the mail server needs.",
)

export const notJudged = stops(
  'not-judged',
  134,
  'The trial post came in, and was not accepted',
  'Posts come in, and are not worked off.',
  "'posthorn status' and 'posthorn queue list' say what waits, and the log why.",
)

export const paused = stops(
  'paused',
  135,
  'Delivery is paused, so the copy of the trial post is not sent',
  'Mail comes in, and nothing leaves. The rest of the way was not tried.',
  "'posthorn delivery resume' lets it go on.",
)

export const notRelayed = stops(
  'not-relayed',
  135,
  'The copy of the trial post could not be given to the mail server',
  'No post reaches a member.',
  "'posthorn status' says how the relay is.",
)

export const notHome = stops(
  'not-home',
  136,
  'The mail server took the copy, and it did not come home',
  'What the mail server takes from us does not arrive: members would get nothing.',
  "The mail server's queue and log say where it is.",
)

export const bounceRefused = stops(
  'bounce-refused',
  137,
  'The mail server refuses the envelope sender of a copy as a recipient',
  'Bounces are lost: members whose address is gone stay for ever, and some mail servers refuse mail from a sender that cannot be written to.',
  [
    'Addresses with an extension must reach the list. Postfix: recipient_delimiter = +',
    'Exim: local_part_suffix = … -bounces+* …; OpenSMTPD: rcpt-to regex <posthorn_recipients>',
    "Sendmail: the rule 'R$+ + $* @ $+'; Courier and qmail: a file for NAME-default",
  ].join('\n'),
)

export const bounceLost = stops(
  'bounce-lost',
  138,
  'The mail server took a bounce, and it did not come in by LMTP',
  'Bounces are lost: members whose address is gone stay for ever.',
  'The address with its extension must take the same way as the list itself.',
)

export const unknownAccepted: FindingKind = {
  code: 'deep.unknown-accepted',
  severity: 'warning',
  summary: 'The mail server takes mail for a list that does not exist',
  why: 'It is refused by us and sent back later, mostly to forged senders: that is backscatter, and costs the reputation of this machine.',
  change:
    "Let the mail server ask which recipients exist: 'posthorn hookup' prints how (Postfix: relay_recipient_maps; Exim: verify = recipient before any accept; OpenSMTPD: match … reject behind the rule for lists; Sendmail: Local_check_rcpt).",
  rank: 140,
}

export const unknownDeferred: FindingKind = {
  code: 'deep.unknown-deferred',
  severity: 'warning',
  summary: 'The mail server puts off mail for a list that does not exist, where it should refuse it',
  why: 'The sender tries again for days, and hears of the mistake only then.',
  change:
    'Postfix: unknown_local_recipient_reject_code = 550, unknown_relay_recipient_reject_code = 550, unverified_recipient_reject_code = 550',
  rank: 141,
}

export const unknownLost: FindingKind = {
  code: 'deep.unknown-lost',
  severity: 'warning',
  summary: 'The mail server takes mail for a list that does not exist, and does not send it back',
  why: 'Who mistypes the name of a list never hears of it.',
  change:
    'What is left over in this domain must end at posthorn-qmail, which has it sent back (docs/qmail.md), not in a mailbox.',
  rank: 141,
}

export const leftInQueue: FindingKind = {
  code: 'deep.left-in-queue',
  severity: 'info',
  summary: "Messages of a trial wait in the mail server's queue",
  why: 'The mail server took them and cannot hand them on. No member gets them: their list is gone.',
  change: 'Left alone, they are refused once mail comes in again, and dropped.',
  rank: 142,
}

export const deepKinds: readonly FindingKind[] = [
  notPublished,
  notReread,
  noMailServer,
  refused,
  notHandedIn,
  notJudged,
  notRelayed,
  notHome,
  bounceRefused,
  bounceLost,
  unknownAccepted,
  unknownDeferred,
  unknownLost,
  leftInQueue,
]
