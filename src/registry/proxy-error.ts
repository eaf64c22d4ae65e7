/** What a proxy did to a request, or the network on the way to it. The code says whether another try may help (retry.ts). */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** For an answer of the proxy's own: 407 is about its credentials, a 5xx about its day, anything else is final. */
export function proxyRefusal(proxy: string, status: number, doing: string): ProxyError {
  if (status === 407) {
    return new ProxyError('ERR_PROXY_AUTH', `the proxy ${proxy} wants other credentials (407)`)
  }
  const busy = status >= 500 || status === 408 || status === 429
  const code = busy ? 'ERR_PROXY_BUSY' : 'ERR_PROXY_REFUSED'
  return new ProxyError(code, `the proxy ${proxy} answered ${status} when asked to ${doing}`)
}
