// What every Mailman begins with and nobody should keep: the password that is in every manual, and an owner who is an
// example.
import type { FindingKind } from '../../model/hookup.ts'
import { unownedLists } from '../../store/units/unowned-lists.ts'
import { finding } from '../finding.ts'
import type { Check } from './checked-site.ts'
import { readRecords } from './records.ts'

const defaultPassword: FindingKind = {
  code: 'credentials.default-password',
  severity: 'warning',
  summary: 'The password of the REST API is the one that everybody knows',
  why: 'Whoever reaches the port can read members, and change or remove every list.',
  change: 'Write [webservice] admin_pass anew, or leave it out: one is made (posthorn info --credentials).',
  rank: 150,
}

const siteOwner: FindingKind = {
  code: 'credentials.site-owner',
  severity: 'info',
  summary: '[mailman] site_owner is still the example',
  why: 'Letters to whoever looks after this site go to nobody.',
  change: '[mailman] site_owner: your address, at a mailbox that is no list',
  rank: 151,
}

const unowned: FindingKind = {
  code: 'credentials.unowned-lists',
  severity: 'info',
  summary: 'Lists have no owner, and the site has none either',
  why: 'Mail to their owners, and word of held posts, goes to the example address: nobody hears of it.',
  change: 'Give them an owner, or write [mailman] site_owner.',
  rank: 152,
}

const halfLogin: FindingKind = {
  code: 'credentials.half-login',
  severity: 'warning',
  summary: 'Only one of smtp_user and smtp_pass is set',
  why: 'Without the other there is no login at the mail server, which may then refuse our mail.',
  change: 'Write both, or none.',
  rank: 149,
}

const shown = 5

export const credentials: Check = {
  kinds: [defaultPassword, siteOwner, unowned, halfLogin],
  async *look({ config, facts, database }) {
    const file = facts.configFile
    if (config.webservice.adminPass === 'restpass')
      yield finding(defaultPassword, { seen: '[webservice] admin_pass: restpass', file })
    const { smtpUser, smtpPass } = config.mta
    if ((smtpUser === null) !== (smtpPass === null)) {
      const [set, missing] = smtpUser === null ? ['smtp_pass', 'smtp_user'] : ['smtp_user', 'smtp_pass']
      yield finding(halfLogin, { seen: `[mta] ${set} is set, ${missing} is empty`, file })
    }
    if (config.mailman.siteOwner !== 'changeme@example.com') return
    yield finding(siteOwner, { seen: `[mailman] site_owner: ${config.mailman.siteOwner}`, file })
    const lists = readRecords(database, unownedLists, { limit: shown + 1 }) ?? []
    if (lists.length === 0) return
    const more = lists.length > shown ? ', and more' : ''
    yield finding(unowned, { seen: `no owner: ${lists.slice(0, shown).join(', ')}${more}` })
  },
}
