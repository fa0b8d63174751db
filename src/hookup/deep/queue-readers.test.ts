import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { eximQueue, eximReason, opensmtpdQueue, postfixQueue, sendmailQueue } from './queue-readers.ts'

const [sender, recipient] = ['tea-bounces@lists.example.test', 'tea@lists.example.test']

test('postqueue -j: each message with its first reason', () => {
  const item = {
    queue_name: 'deferred',
    queue_id: 'B2D8A1',
    sender,
    recipients: [
      { address: recipient, delay_reason: 'connect to 127.0.0.1[127.0.0.1]:1: Connection refused' },
    ],
  }
  const active = { ...item, queue_name: 'active', queue_id: 'C3', recipients: [{ address: recipient }] }
  deepEqual(
    postfixQueue(`${JSON.stringify(item)}\n${JSON.stringify(active)}\n`, ['-c', '/etc/postfix-lists']),
    [
      {
        id: 'B2D8A1',
        addresses: [sender, recipient],
        why: 'connect to 127.0.0.1[127.0.0.1]:1: Connection refused',
        remove: 'postsuper -c /etc/postfix-lists -d B2D8A1',
      },
      {
        id: 'C3',
        addresses: [sender, recipient],
        why: null,
        remove: 'postsuper -c /etc/postfix-lists -d C3',
      },
    ],
  )
  deepEqual(postfixQueue('', []), [])
})

test('exim -bp: old and new message ids, several recipients, frozen ones', () => {
  const out = ` 0m   781 1xY7v6-0007yB-20 <${sender}>
          ${recipient}
          milk@lists.example.test

25h  2.9K 1xY7v6-00000007yBa-20Ab <> *** frozen ***
          ${sender}

`
  deepEqual(eximQueue(out, 'exim4'), [
    {
      id: '1xY7v6-0007yB-20',
      addresses: [sender, recipient, 'milk@lists.example.test'],
      why: null,
      remove: 'exim4 -Mrm 1xY7v6-0007yB-20',
    },
    {
      id: '1xY7v6-00000007yBa-20Ab',
      addresses: ['', sender],
      why: 'it is frozen',
      remove: 'exim4 -Mrm 1xY7v6-00000007yBa-20Ab',
    },
  ])
})

test('exim -Mvl: the last word counts, and how the message came is none', () => {
  const received = `2026-11-30 20:23:22 Received from ${sender} H=(vm) [127.0.0.1] P=esmtp S=781\n`
  const deferred = `2026-11-30 20:23:22.123 +0000 ${recipient} R=posthorn_router defer (111): Connection refused\n`
  equal(eximReason(received + deferred), `${recipient} R=posthorn_router defer (111): Connection refused`)
  equal(eximReason(received), null)
  equal(eximReason(''), null)
})

test('mailq -v of Sendmail: the folder above, the reason of the message, whole addresses', () => {
  const out = `\t\t/var/spool/mqueue/q1 (2 requests)
-----Q-ID----- --Size-- -Priority- ---Q-Time--- --------Sender/Recipient--------
6AUKOd4V002031*     212     120526 Nov 30 20:24 <${sender}>
                 (Deferred: Connection refused by [127.0.0.1])
\t\t\t\t\t\t<${recipient}>
\t\t (Deferred: Connection refused by [127.0.0.1])
6AUKOd4W002032       10      30000 Nov 30 20:24 <>
\t\t\t\t\t\t<${sender}>
\t\tTotal requests: 2
`
  deepEqual(sendmailQueue(out), [
    {
      id: '6AUKOd4V002031',
      addresses: [sender, recipient],
      why: 'Deferred: Connection refused by [127.0.0.1]',
      remove: 'rm /var/spool/mqueue/q1/qf6AUKOd4V002031 /var/spool/mqueue/q1/df6AUKOd4V002031',
    },
    {
      id: '6AUKOd4W002032',
      addresses: ['', sender],
      why: null,
      remove: 'rm /var/spool/mqueue/q1/qf6AUKOd4W002032 /var/spool/mqueue/q1/df6AUKOd4W002032',
    },
  ])
  deepEqual(sendmailQueue('/var/spool/mqueue is empty\n\t\tTotal requests: 0\n'), [])
})

test('smtpctl show queue: the reason is the last field, or how it stands', () => {
  const line = (id: string, state: string): string =>
    `${id}|inet4|mta||${sender}|${recipient}|${recipient}|1796070298|1796070298|1796070298|0|${state}\n`
  const why = 'Network error on destination MXs'
  deepEqual(
    opensmtpdQueue(line('9e6989dc10f326a0', `pending|5|${why}`) + line('9e6989dc10f326a1', 'inflight|5|')),
    [
      {
        id: '9e6989dc10f326a0',
        addresses: [sender, recipient],
        why,
        remove: 'smtpctl remove 9e6989dc10f326a0',
      },
      {
        id: '9e6989dc10f326a1',
        addresses: [sender, recipient],
        why: 'inflight',
        remove: 'smtpctl remove 9e6989dc10f326a1',
      },
    ],
  )
  deepEqual(opensmtpdQueue('smtpctl: need root privileges\n'), [])
})
