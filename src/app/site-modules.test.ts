import { deepEqual, equal, rejects } from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaultConfig } from '../config/config.ts'
import { siteDeliver, siteMailServer } from './site-modules.ts'

const example = new URL('../../examples/our-mta/our-mta.ts', import.meta.url).pathname
const lists = (...listNames: string[]) => ({
  domains: [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames }],
})

function folder(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-module-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  copyFileSync(example, join(directory, 'our-mta.ts'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const codeOf = (directory: string, text: string) => {
  const [file = '', exportName = ''] = text.split('#')
  return { kind: 'module', file: join(directory, file), exportName } as const
}

/** A module of the site, made from this text. */
function made(t: TestContext, text: string) {
  const directory = folder(t, { 'x.mjs': text })
  return siteMailServer(codeOf(directory, 'x.mjs#A'), defaultConfig(), directory)
}

for (const { title, name, text, prepare = () => undefined, told } of [
  {
    title: 'there is no such file',
    name: './none.ts#OurMta',
    told: /^\[mta\] incoming: there is no file .*none\.ts; write the path/,
  },
  {
    title: 'it has no such export',
    name: './our-mta.ts#Theirs',
    told: /our-mta\.ts has no export Theirs; it exports OurMta, deliver/,
  },
  {
    title: 'it is no class',
    name: './our-mta.ts#deliver',
    told: /deliver of .*our-mta\.ts is no class; export a class with a method publish/,
  },
  {
    title: 'it has no method publish',
    name: './x.mjs#A',
    text: 'export class A {}',
    told: /A of .*x\.mjs has no method publish\(directory\)/,
  },
  {
    title: 'its constructor throws',
    name: './our-mta.ts#OurMta',
    told: /cannot be made: its constructor says 'write \[OurMta\] url, as http:/,
  },
  {
    title: 'it cannot be read as code',
    name: './x.mjs#A',
    text: 'export class {',
    told: /x\.mjs cannot be loaded: /,
  },
  {
    title: 'what it imports is not there',
    name: './x.mjs#A',
    text: "import './y.mjs'",
    told: /x\.mjs cannot be loaded: Cannot find module/,
  },
  {
    title: 'loading it throws',
    name: './x.mjs#A',
    text: "throw new Error('not today')",
    told: /x\.mjs cannot be loaded: not today/,
  },
  {
    title: 'others can write it',
    name: './our-mta.ts#OurMta',
    prepare: (directory: string) => chmodSync(join(directory, 'our-mta.ts'), 0o666),
    told: /others can write .*our-mta\.ts, or put another in its place, so it is not run; take that right away/,
  },
  {
    title: 'others can put another in its place',
    name: './loose/x.mjs#A',
    prepare: (directory: string) => {
      mkdirSync(join(directory, 'loose'))
      writeFileSync(join(directory, 'loose/x.mjs'), 'throw 1')
      chmodSync(join(directory, 'loose'), 0o777)
    },
    told: /others can write .*x\.mjs, or put another in its place/,
  },
])
  test(`a mail server of the site is refused in one line when ${title}`, async (t) => {
    const directory = folder(t, text === undefined ? {} : { 'x.mjs': text })
    prepare(directory)
    const refused = siteMailServer(codeOf(directory, name), defaultConfig(), directory)
    await rejects(refused, { name: 'SiteModuleRefusal', message: told })
    await rejects(refused, { message: /^[^\n]+$/ })
  })

test('a way out of the site is a function that is exported', async (t) => {
  const directory = folder(t, { 'x.mjs': 'export const a = 1; export const b = () => 2' })
  equal(typeof (await siteDeliver(codeOf(directory, 'x.mjs#b'))), 'function')
  await rejects(
    siteDeliver(codeOf(directory, 'x.mjs#a')),
    /\[mta\] outgoing: a of .* is no function; export async/,
  )
  await rejects(siteDeliver(codeOf(directory, 'x.mjs#c')), /has no export c; it exports a, b/)
})

const writes = `export class A {
  constructor(site) { this.site = site }
  async publish({ domains }) {
    return [await this.site.replaceFile('table', domains.flatMap(({ listNames }) => listNames).join() + this.site.settings.zone)]
  }
}`

test('it gets facts and deeds: its files are replaced when they change, and only then its command is run', async (t) => {
  const directory = folder(t, { 'x.mjs': writes })
  const told = join(directory, 'told')
  const siteSections = {
    A: { settings: { zone: '8' }, reloadCommand: ['/bin/sh', '-c', 'echo told >> "$0"', told] },
  }
  const code = codeOf(directory, 'x.mjs#A')
  const mailServer = await siteMailServer(code, { ...defaultConfig(), siteSections }, directory)
  deepEqual(await mailServer.publish(lists('tea')), [{ path: join(directory, 'table'), changed: true }])
  deepEqual(await mailServer.publish(lists('tea')), [{ path: join(directory, 'table'), changed: false }])
  equal(readFileSync(join(directory, 'table'), 'utf8'), 'tea8')
  equal(readFileSync(told, 'utf8'), 'told\n')
})

for (const { title, body, told } of [
  { title: 'throws', body: "throw new Error('no\\n ink')", told: /^A says 'no \| ink'$/ },
  {
    title: 'writes outside',
    body: "await this.site.replaceFile('../x', '')",
    told: /"\.\.\/x" is no name for a file/,
  },
  {
    title: 'runs a program that fails',
    body: "await this.site.run(['/bin/false'])",
    told: /'\/bin\/false' failed with exit status 1; A is not up to date/,
  },
])
  test(`a publication that ${title} is told as the fault of the site's code`, async (t) => {
    const server = await made(
      t,
      `export class A { constructor(site) { this.site = site } async publish() { ${body} } }`,
    )
    await rejects(server.publish(lists()), { name: 'Unavailable', message: told })
  })

test('what it tells of its files may be nothing, or nonsense', async (t) => {
  for (const told of ['undefined', '[]', '7', '[null, { path: 7 }, "x"]']) {
    const server = await made(t, `export class A { async publish() { return ${told} } }`)
    deepEqual(await server.publish(lists()), [])
  }
})
