// The judge itself: it finds each way in which a crash could have broken the promise, and nothing else.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { judgeLog, type Taken } from '../support/crash-judgement.ts'
import { memberAddress } from '../support/crash-site.ts'

/** `0:1=1,2` is post 1, taken in boot 0 for members 1 and 2. */
const log = (text: string): readonly Taken[] =>
  text.split(' ').map((one, id) => {
    const [, boot, post, members] = /^(\d):(\d)=(.*)$/.exec(one) ?? []
    return {
      id,
      boot: Number(boot),
      post: Number(post),
      to: (members ?? '').split(',').map(Number).map(memberAddress),
    }
  })

for (const { title, taken, acknowledged, wrong } of [
  { title: 'each member once', taken: '0:1=1,2 0:1=3', acknowledged: [1], wrong: [] },
  { title: 'a rest after the kill', taken: '0:1=1 1:1=2,3', acknowledged: [1], wrong: [] },
  { title: 'the last in doubt again', taken: '0:1=1,2,3 1:1=2,3', acknowledged: [1], wrong: [] },
  {
    title: 'one repeat too early',
    taken: '0:1=1,2,3 1:1=1,2,3',
    acknowledged: [1],
    wrong: [
      'post 1 went to m1@example.com again in boot 1, although boot 0 had sent 2 more after it (in_doubt 2)',
    ],
  },
  {
    title: 'a repeat without a kill',
    taken: '0:1=1,2,3 0:1=3',
    acknowledged: [1],
    wrong: ['post 1 went to m3@example.com twice in boot 0'],
  },
  {
    title: 'a member without a copy',
    taken: '0:1=1 1:1=3',
    acknowledged: [1],
    wrong: ['post 1 (with its 250) missed 1 members, the first is m2@example.com'],
  },
  {
    title: 'half a post that was never acknowledged',
    taken: '0:1=1,2,3 0:2=1,2',
    acknowledged: [1],
    wrong: ['post 2 (without its 250) missed 1 members, the first is m3@example.com'],
  },
  {
    title: 'an acknowledged post that is gone',
    taken: '0:1=1,2,3',
    acknowledged: [1, 2],
    wrong: ['post 2 got its 250 and reached nobody'],
  },
  { title: 'a stranger', taken: '0:1=1,2,3,4', acknowledged: [1], wrong: ['post 1 reached strangers'] },
])
  test(`the judge: ${title}`, () => {
    deepEqual(judgeLog(log(taken), { acknowledged: new Set(acknowledged), members: 3, inDoubt: 2 }), wrong)
  })
