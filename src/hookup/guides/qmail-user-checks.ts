// The user in charge of an address: by users/assign or the accounts, and the home that qmail-local will only use when
// nobody else can write there. Law: accounts count as qmail-getpw counts them.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { type ControlLine, type QmailFiles, usualHome } from './qmail-files.ts'
import * as kinds from './qmail-kinds.ts'
import { closedFolder, type InCharge, inAssign, type PassedOver } from './qmail-route.ts'
import { at, may, type Situation, type Way, wayOf } from './qmail-situation.ts'

/** Lines that qmail-newu stops at: it compiles all or nothing. */
export async function* checkAssign({ files }: Situation): AsyncIterable<Finding> {
  const { assign, dir } = files
  if (assign === null) return
  const whole = (await files.host.readText(assign.path)) ?? ''
  const lines = whole.split('\n')
  const end = lines.findIndex((text) => text.startsWith('.'))
  const wrong = lines
    .slice(0, end < 0 ? lines.length : end)
    .findIndex((text) => (text.match(/:/g)?.length ?? 0) < 7 || !/^[^:]/.test(text))
  const isLast = wrong === lines.length - 1 && lines[wrong] === ''
  if (wrong >= 0 && !isLast)
    yield finding(kinds.assignWrong, { seen: lines[wrong] ?? '', file: assign.path, line: wrong + 1 })
  else if (end < 0)
    yield finding(kinds.assignWrong, {
      seen: 'the last line is not a dot',
      file: assign.path,
      change: `add a line with one dot at the end, and run ${dir}/bin/qmail-newu`,
    })
}

/**
 * Why mail that does not come to Posthorn goes to this user. `handsOver` says of another way whether it would come to us.
 */
export async function* checkUser(
  { files }: Situation,
  way: Way,
  handsOver: (way: Way) => Promise<boolean>,
): AsyncIterable<Finding> {
  const { route, inCharge } = way
  if (route.kind === 'remote') return
  const written = inAssign(
    (files.assign?.lines ?? []).map(({ text }) => text),
    route.local,
  )
  const isOther = written !== null && (written.home !== inCharge?.home || written.ext !== inCharge.ext)
  if (files.assign !== null && isOther && files.usersCdb?.octets !== null) {
    yield at(kinds.assignStale, assignLine(files, written, route.local), {
      why:
        files.usersCdb === null
          ? 'qmail-lspawn reads users/cdb alone, and that is not there: the accounts decide.'
          : kinds.assignStale.why,
      change: `run ${files.dir}/bin/qmail-newu`,
    })
    return
  }
  if (inCharge === null) {
    yield finding(kinds.aliasMissing, { seen: `no account alias, which ${way.address} goes to` })
    return
  }
  if (inCharge.by === 'assign') {
    const without = await wayOf({ ...files, usersCdb: null }, way.localPart, way.domain)
    if (await handsOver(without))
      yield at(kinds.assignedElsewhere, assignLine(files, inCharge, route.local), {
        change: `take the line out of users/assign, or let it name ${without.inCharge?.user} and ${without.inCharge?.home}, and run ${files.dir}/bin/qmail-newu`,
      })
    return
  }
  const [first] = inCharge.passedOver
  if (first !== undefined) {
    const { account, why } = first
    yield finding(kinds.userPassedOver, {
      seen: `${account.name}: ${await passedOverWords(files, account.home, why)}`,
      file: `${files.root}/etc/passwd`,
      change: changes[why](account.name, account.home),
    })
    return
  }
  if (inCharge.by !== 'alias' || route.virtual === null || way.file !== null) return
  const user = route.virtual.text.slice(route.virtual.text.indexOf(':') + 1)
  yield at(kinds.userMissing, route.virtual, {
    change: `make the account: 'useradd --create-home ${user}'; or name another one in control/virtualdomains, and send qmail-send a HUP`,
  })
}

function assignLine(
  files: QmailFiles,
  { user, home }: Pick<InCharge, 'user' | 'home'>,
  local: string,
): ControlLine {
  const lines = (files.assign?.lines ?? []).filter(({ text }) => {
    const [key = '', ofUser, , , ofHome] = text.split(':')
    const isFor = key.startsWith('=')
      ? key.slice(1).toLowerCase() === local.toLowerCase()
      : local.toLowerCase().startsWith(key.slice(1).toLowerCase())
    return isFor && ofUser === user && ofHome === home
  })
  const longest = [...lines].sort((a, b) => b.text.indexOf(':') - a.text.indexOf(':'))[0]
  return longest ?? { text: `${user}, ${home}`, file: `${files.dir}/users/cdb`, line: 1 }
}

async function passedOverWords(files: QmailFiles, home: string, why: PassedOver): Promise<string> {
  if (why === 'root') return 'root gets no mail'
  if (why === 'home-closed') return `${await closedFolder(files, home)} is closed to others`
  if (why === 'home-missing') return `its home ${home} is not there`
  return `its home ${home} belongs to ${(await files.stat(home))?.user}`
}

const changes: Readonly<Record<PassedOver, (name: string, home: string) => string>> = {
  root: () => 'name another user in control/virtualdomains, and send qmail-send a HUP',
  'home-closed': () => "run 'chmod o+x' on the folder",
  'home-missing': (name, home) => `run 'mkdir ${home}' and 'chown ${name} ${home}'`,
  'home-foreign': (name, home) => `run 'chown ${name} ${home}'`,
}

export async function* checkHome({ files }: Situation, { inCharge }: Way): AsyncIterable<Finding> {
  if (inCharge === null) return
  const { home } = inCharge
  const facts = await files.stat(home)
  const closed = await closedFolder(files, home)
  if (closed !== null && (await files.stat(closed))?.user !== inCharge.user)
    yield finding(kinds.homeClosed, { seen: `${closed} is closed to others`, file: closed })
  else if (facts === null || facts.kind !== 'directory')
    yield finding(kinds.homeMissing, { seen: `${home} is not there`, file: home })
  else {
    const seen = `mode ${facts.mode.toString(8).padStart(4, '0')}`
    if (!may('enter', facts, inCharge))
      yield finding(kinds.homeClosed, { seen: `${seen}, of ${facts.user}`, file: home })
    if ((facts.mode & 0o002) !== 0) yield finding(kinds.homeWritable, { seen, file: home })
    else if ((facts.mode & 0o020) !== 0 && home !== `${usualHome}/alias`)
      yield finding(kinds.homeGroupWritable, { seen, file: home })
    if ((facts.mode & 0o1000) !== 0) yield finding(kinds.homeSticky, { seen, file: home })
  }
}
