// What becomes of a post, from the mail server's LMTP to what the sink gets: accepted, held, rejected, discarded,
// and what people are told about it. A whole server each time.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/server.ts'
import { type ServerHere, serverHere } from './support/server-here.ts'

const tea = 'tea@lists.example.test'
const [ann, bob, eve] = ['ann@one.example.test', 'bob@two.example.test', 'eve@three.example.test']
const subjectOf = (text: string): string => /^Subject: ?(.*)\r$/m.exec(text)?.[1] ?? ''

async function teaList(): Promise<ServerHere> {
  const server = await serverHere()
  await server.list(tea, [ann, bob])
  return server
}

/** Judged, and nothing is left to do. */
const settled = (server: ServerHere): Promise<boolean> =>
  eventually('an empty queue', async () => {
    const { lanes } = JSON.parse(await server.posthorn(['queue', '--json'])) as { lanes: unknown[] }
    return lanes.length === 0
  })

test('a member’s post goes to every member, marked as list mail', async () => {
  await using server = await teaList()
  const { end } = await server.post(ann, tea, 'one')
  match(end[0] ?? '', /^250 2\.6\.0 queued as 1$/)
  const [copy] = await server.arrived(1, ({ to }) => to.includes(bob))
  ok(copy)
  equal(subjectOf(copy.text), '[Tea] tea one')
  match(copy.text, /^List-Id: .*<tea\.lists\.example\.test>\r$/m)
  await settled(server)
  deepEqual(server.copies.flatMap(({ to }) => to).sort(), [ann, bob])
})

test('a stranger’s post is held: the stranger is told, the site owner is asked as the list has no owner', async () => {
  await using server = await teaList()
  await server.post(eve, tea, 'strange')
  await settled(server)
  equal(server.copies.length, 2)
  const toEve = server.copies.find(({ to }) => to.includes(eve))
  equal(toEve?.from, '')
  match(subjectOf(toEve?.text ?? ''), /awaits moderator approval/)
  const toOwner = server.copies.find(({ to }) => to.includes('owner@example.test'))
  equal(toOwner?.from, '')
  match(toOwner?.text ?? '', /is held until one of you decides/)
  match(await server.posthorn(['trace', '<strange@client.example.test>']), /held/)
})

test('a post that the list rejects comes back to its sender with the reason, and to nobody else', async () => {
  await using server = await teaList()
  await server.posthorn(['set', tea, 'default_nonmember_action=reject'])
  await server.post(eve, tea, 'refused')
  await settled(server)
  deepEqual(
    server.copies.map(({ from, to }) => ({ from, to })),
    [{ from: '', to: [eve] }],
  )
  match(subjectOf(server.copies[0]?.text ?? ''), /^Rejected: tea refused/)
  match(server.copies[0]?.text ?? '', /^Auto-Submitted: auto-replied\r$/m)
})

test('a post that the list discards is gone, and nobody is told', async () => {
  await using server = await teaList()
  await server.posthorn(['set', tea, 'default_nonmember_action=discard'])
  await server.post(eve, tea, 'unwanted')
  await settled(server)
  match(await server.posthorn(['trace', '<unwanted@client.example.test>']), /discarded/)
  deepEqual(server.copies, [])
})

test('mail to the owners goes to the owners, or to the site owner where there is none', async () => {
  await using server = await teaList()
  await server.post(eve, 'tea-owner@lists.example.test', 'who')
  const [copy] = await server.arrived(1, () => true)
  deepEqual(copy?.to, ['owner@example.test'])
  await server.posthorn(['create', '-o', ann, '-o', bob, 'milk@lists.example.test'])
  await server.post(eve, 'milk-owner@lists.example.test', 'who-else')
  await server.arrived(1, ({ to, text }) => to.includes(bob) && text.includes('who-else'))
  await settled(server)
  const owners = server.copies.filter(({ text }) => text.includes('who-else')).flatMap(({ to }) => to)
  deepEqual(owners.sort(), [ann, bob])
})

test('on a site in devmode every copy goes to its recipient, and none to a member', async () => {
  await using server = await serverHere({
    sections: { devmode: { enabled: 'yes', recipient: 'dev@example.test' } },
  })
  await server.list(tea, [ann, bob])
  await server.post(ann, tea, 'trial')
  const copies = await server.arrived(2, () => true)
  await settled(server)
  deepEqual(
    copies.flatMap(({ to }) => to),
    ['dev@example.test', 'dev@example.test'],
  )
})
