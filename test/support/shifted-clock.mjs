// Loaded before the server (`--import`) by tests of the wall clock: it is off by as many milliseconds as the file
// named in POSTHORN_TEST_CLOCK says, which may change at any time. What only measures (performance.now) is left alone.
import { readFileSync } from 'node:fs'

const file = process.env.POSTHORN_TEST_CLOCK
const real = Date.now
Date.now = () => real() + Number(readFileSync(file, 'utf8'))
