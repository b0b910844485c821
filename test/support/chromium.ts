// A Chromium that is installed, for tests of pages.
import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable', '/snap/bin/chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']

/** MTLC_CHROMIUM names one; else where systems put it. Undefined where there is none: a message on stderr says what is left out. */
export function findChromium(leftOut: string): string | undefined {
  const named = process.env.MTLC_CHROMIUM
  const found = named === undefined || named === '' ? places.find(p => existsSync(p)) : named
  if (found === undefined) process.stderr.write(`no Chromium is installed, so ${leftOut} is not tested: apt install chromium, or MTLC_CHROMIUM=/path/to/it\n`)
  return found
}

/** `graphics`: switches of its GPU; without them it has none. */
export const launch = (executablePath: string, graphics: readonly string[] = ['--disable-gpu']): Promise<Browser> => chromium.launch({
  executablePath, args: ['--headless', '--no-sandbox', ...graphics, '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
