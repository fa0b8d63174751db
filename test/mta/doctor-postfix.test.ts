// The doctor of Postfix against configurations that are sound, odd, and broken one way or two at a time. They are those of
// the laboratory, asked by the real postconf and postmap; no Postfix runs.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { describe, test } from 'node:test'
import type { Finding } from '../../src/model/hookup.ts'
import {
  anywhere,
  type Breakage,
  withHash,
  withRegexp,
  withTables,
  withVerify,
  withVmap,
} from '../support/postfix-breakages.ts'
import {
  findingsIn,
  type Layout,
  labBase,
  listDomain,
  lists,
  type PostfixFolder,
  postfixFolder,
  write,
} from '../support/postfix-folder.ts'

const hash: Layout = {
  main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp hash:MAPS/postfix_routes
local_recipient_maps = hash:MAPS/postfix_lmtp
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
`,
}
const regexp: Layout = {
  type: 'regexp',
  main: `${labBase}transport_maps = regexp:MAPS/postfix_lmtp
local_recipient_maps = regexp:MAPS/postfix_lmtp
relay_domains = regexp:MAPS/postfix_domains
relay_recipient_maps = regexp:MAPS/postfix_lmtp
`,
}
const vmap: Layout = {
  domains: [listDomain({ aliasDomain: 'x.example.test' })],
  main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp hash:MAPS/postfix_routes
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
virtual_alias_domains = ${lists}
virtual_alias_maps = hash:MAPS/postfix_vmap
`,
}
const verify: Layout = {
  main: `${labBase}transport_maps = inline:{ { ${lists} = lmtp:[127.0.0.1]:18402 } }
relay_domains = ${lists}
relay_recipient_maps =
smtpd_recipient_restrictions = check_recipient_access inline:{ { ${lists} = reject_unverified_recipient } }, permit_mynetworks, reject_unauth_destination
unverified_recipient_reject_code = 550
address_verify_negative_expire_time = 10s
address_verify_negative_refresh_time = 10s
address_verify_poll_delay = 1s
`,
}

const codeOf = ({ kind }: Finding): string => kind.code.replace('postfix.', '')
const toMend = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ kind }) => kind.severity !== 'info').map(codeOf)

async function broken(layout: Layout, breakages: readonly Breakage[]): Promise<PostfixFolder> {
  const made = await postfixFolder(layout)
  let folder = made
  for (const { main, master, facts, files } of breakages) {
    await files?.(folder)
    folder = {
      ...folder,
      main: main?.(folder.main, folder) ?? folder.main,
      master: master?.(folder.master) ?? folder.master,
      facts: facts?.(folder.facts) ?? folder.facts,
    }
  }
  await write(folder.directory, folder.main, folder.master)
  return folder
}

async function findings(layout: Layout, breakages: readonly Breakage[] = []): Promise<readonly Finding[]> {
  const folder = await broken(layout, breakages)
  try {
    return await findingsIn(folder)
  } finally {
    await rm(folder.directory, { recursive: true })
  }
}

for (const [name, layout, breakages] of [
  ['hash', hash, [...anywhere, ...withTables('hash'), ...withHash]],
  ['regexp', regexp, [...anywhere, ...withTables('regexp'), ...withRegexp]],
  ['vmap', vmap, [...anywhere, ...withVmap]],
  ['verify', verify, [...anywhere, ...withVerify]],
] as const)
  describe(name, { concurrency: 2 }, () => {
    test('sound', async () => assert.deepEqual(toMend(await findings(layout)), []))
    for (const breakage of breakages)
      test(breakage.name, async () => {
        const [first] = await findings(layout, [breakage])
        assert.equal(first === undefined ? 'nothing' : codeOf(first), breakage.code)
        assert.ok(first?.seen !== '' && first?.why !== '' && first?.change !== '', JSON.stringify(first))
      })
  })
