import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { addressIn, domainIn, itemsOf, plainDomains } from './exim-lists.ts'
import { parseExim, placesOf } from './exim-syntax.ts'

const parse = (text: string, files: Readonly<Record<string, string>> = {}) =>
  parseExim(placesOf('/etc/exim4/exim4.conf', text), async (path) => files[path] ?? null)

test('macros are expanded in the order of their definition, also in one another', async () => {
  const { macros, routers } = await parse(`HOME = /var/x
CHECK=HOME/lists/\${local_part}.\${domain}
begin routers
lists:
  require_files = CHECK
`)
  equal(macros.get('CHECK')?.value, `/var/x/lists/\${local_part}.\${domain}`)
  equal(routers[0]?.options.get('require_files')?.value, `/var/x/lists/\${local_part}.\${domain}`)
  equal(routers[0]?.options.get('require_files')?.place.line, 5)
})

test('a continued line is one line, with comments between, and stands where it begins', async () => {
  const { routers } = await parse(`begin routers
lists:
  local_part_suffix = \\
     -bounces : \\
# a comment
     -bounces+*
  local_part_suffix_optional
  no_verify
`)
  const options = routers[0]?.options
  equal(options?.get('local_part_suffix')?.value, '-bounces : -bounces+*')
  equal(options?.get('local_part_suffix')?.place.line, 3)
  equal(options?.get('local_part_suffix_optional')?.value, 'true')
  equal(options?.get('verify')?.value, 'false')
})

test('.ifdef, .elifdef, .else and .endif choose what is read, within one another too', async () => {
  const { main } = await parse(`A_ONE = 1
.ifdef A_ONE
first = yes
.ifndef A_ONE
never = yes
.else
.ifdef B_TWO
never = yes
.endif
second = yes
.endif
.elifdef A_ONE
never = yes
.else
never = yes
.endif
`)
  deepEqual([...main.keys()], ['first', 'second'])
})

test('included files are read in their place, under their own name', async () => {
  const { lists } = await parse('CONF = /etc/mail\n.include CONF/more\n.include_if_exists CONF/none\n', {
    '/etc/mail/more': '\ndomainlist mm_domains = a.test : b.test\n',
  })
  deepEqual(lists.get('mm_domains')?.place, {
    file: '/etc/mail/more',
    line: 2,
    text: 'domainlist mm_domains = a.test : b.test',
  })
})

test('statements of an access control list keep their conditions, also those on the line of the verb', async () => {
  const { acls } = await parse(`begin acl
check:
  deny domains = +mm_domains
       !verify = recipient/callout=10s,no_cache
  accept
    hosts = :
`)
  deepEqual(
    acls.get('check')?.map(({ verb, parts }) => [verb, parts.map(({ name, value }) => `${name} ${value}`)]),
    [
      ['deny', ['domains +mm_domains', '!verify recipient/callout=10s,no_cache']],
      ['accept', ['hosts :']],
    ],
  )
})

test('a list is split at its separator, not inside braces', () => {
  deepEqual(itemsOf(`a : b::c : \${if eq{x}{y}{p:q}}`), ['a', 'b:c', `\${if eq{x}{y}{p:q}}`])
  deepEqual(itemsOf('<; ::1 ; 127.0.0.0/8'), ['::1', '127.0.0.0/8'])
})

test('membership follows the first item that fits, and says so when only Exim knows', async () => {
  const text = await parse(`primary_hostname = mx.test
domainlist lists = a.test : *.b.test
domainlist odd = lsearch;/etc/domains
hostlist own = 127.0.0.1 : 10.0.0.0/8 : ::::1
`)
  const inside = (list: string, domain: string) => domainIn(list, domain, text, 'other')
  equal(inside('+lists', 'a.test'), true)
  equal(inside('+lists', 'x.b.test'), true)
  equal(inside('+lists', 'c.test'), false)
  equal(inside('! +lists', 'a.test'), false)
  equal(inside('! +lists', 'c.test'), true)
  equal(inside('!a.test : *', 'a.test'), false)
  equal(inside('@', 'mx.test'), true)
  equal(inside('+odd : a.test', 'a.test'), null)
  equal(inside('+nosuch', 'a.test'), null)
  deepEqual(plainDomains('+lists : c.test', text), ['a.test', 'c.test'])
  equal(addressIn('+own', '127.0.0.1', text), true)
  equal(addressIn('+own', '10.2.3.4', text), true)
  equal(addressIn('+own', '192.0.2.1', text), false)
  equal(addressIn('+own', '::1', text), true)
})
