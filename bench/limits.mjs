// The limits of this machine, against which a target's figures are read: how often the disk syncs, and what SMTP and
// LMTP do here with Postfix's smtp-source, smtp-sink and our own sink.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { readArguments } from './lib/arguments.mjs'
import { median } from './lib/figures.mjs'
import { sleep } from './lib/wait.mjs'
import { monoMs } from './sink.mjs'

const { dir, port } = readArguments({
  usage: `usage: node limits.mjs [--dir DIR] [--port PORT]: what this machine can do at most

  --dir DIR    where to try the disk (${os.tmpdir()})
  --port PORT  for the sinks (18530)

  fsync_append_per_s      4 kB appended and synced
  fsync_queue_file_per_s  a file made, written, synced and renamed
  lmtp_..., smtp_sink, sink_mjs   messages or recipients a second; left out without smtp-source and smtp-sink (Postfix)

Exit: 0, 1 when something could not be measured, 2 on wrong use.`,
  options: { dir: { type: 'string', default: os.tmpdir() }, port: { type: 'number', default: 18530 } },
})
const here = `127.0.0.1:${port}`
const envelope = ['-d', '-l', '4096', '-f', 'a@b.example', '-t', 'u1@sub.example.com']
const thrice = (measure) => median([measure(), measure(), measure()])

/** Calls for two seconds: calls a second. */
function rate(work) {
  const started = monoMs()
  let calls = 0
  for (; monoMs() - started < 2000; calls++) work(calls)
  return calls / ((monoMs() - started) / 1000)
}

const block = Buffer.alloc(4096, 'x')

function appends() {
  const file = path.join(dir, `fsync-${process.pid}`)
  const fd = fs.openSync(file, 'w')
  const perS = rate(() => {
    fs.writeSync(fd, block)
    fs.fsyncSync(fd)
  })
  fs.closeSync(fd)
  fs.unlinkSync(file)
  return perS
}

function queueFiles() {
  const folder = fs.mkdtempSync(path.join(dir, 'fsync-'))
  const perS = rate((call) => {
    const fd = fs.openSync(`${folder}/new`, 'w')
    fs.writeSync(fd, block)
    fs.fsyncSync(fd)
    fs.closeSync(fd)
    fs.renameSync(`${folder}/new`, `${folder}/${call}`)
  })
  fs.rmSync(folder, { recursive: true })
  return perS
}

/** Messages a second that smtp-source gets rid of. */
function shots(messages, words) {
  const started = monoMs()
  const { status, stderr } = spawnSync('smtp-source', [...envelope, '-m', String(messages), ...words, here])
  if (status !== 0) throw new Error(`smtp-source: ${stderr}`)
  return messages / ((monoMs() - started) / 1000)
}

/** Runs `measure` while that server listens. */
async function against(command, words, measure) {
  const server = spawn(command, words, { stdio: 'ignore' })
  await sleep(700)
  try {
    return measure(server.pid)
  } finally {
    server.kill('SIGTERM')
    await sleep(300)
  }
}

function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function smtp(pid) {
  const series = (messages, words, recipients) => {
    const before = cpuSeconds(pid)
    const perS = thrice(() => shots(messages, words) * recipients)
    const cpu = cpuSeconds(pid) - before
    return { perS, server_cpu_us_per_rcpt: (cpu / (3 * messages * recipients)) * 1e6 }
  }
  return {
    smtp_1rcpt_4conn: series(20000, ['-s', '4'], 1),
    smtp_500rcpt_4conn: series(400, ['-s', '4', '-r', '500'], 500),
  }
}

const out = { node: process.version, loadavg: os.loadavg()[0] }
try {
  out.fsync_append_per_s = thrice(appends)
  out.fsync_queue_file_per_s = thrice(queueFiles)
  const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
  if (has('smtp-source') && has('smtp-sink')) {
    const sink = ['-u', 'nobody', '-4', here, '1000']
    const lmtp = () => thrice(() => shots(20000, ['-L', '-s', '4']))
    out.lmtp_smtp_source_to_smtp_sink_per_s = await against('smtp-sink', ['-L', ...sink], lmtp)
    out.smtp_sink = await against('smtp-sink', sink, smtp)
    const ours = [path.join(import.meta.dirname, 'sink.mjs'), '--port', String(port)]
    out.sink_mjs = await against(process.execPath, ours, smtp)
  }
} catch (fault) {
  console.error(`limits.mjs: ${fault.message}`)
  process.exitCode = 1
}
console.log(JSON.stringify(out, null, 1))
