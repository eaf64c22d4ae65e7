import {type Browser, chromium} from 'playwright-core'

/** Debian's Chromium. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // no sandbox for root, and no traffic of the browser's own
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
    timeout: 60_000,
  })
}
