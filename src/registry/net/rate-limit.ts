type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Seconds until a limit is over, as `Retry-After` would give them, of a registry that names them
 * in the headers of a draft only: `RateLimit-Reset: 30`, or `RateLimit: "hour";r=0;t=30`.
 * `undefined` if neither does, or more was said than one number.
 * https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers
 */
export function rateLimitReset(headers: Headers): string | undefined {
  const {'ratelimit-reset': reset, ratelimit: limit} = headers
  if (typeof reset === 'string' && /^\d{1,10}$/.test(reset.trim())) return reset.trim()
  // of several limits the one that holds longest
  const times =
    typeof limit === 'string' ? [...limit.matchAll(/;\s*t=(\d{1,10})(?=[;,\s]|$)/g)] : []
  const seconds = times.map(([, time]) => Number(time))
  return seconds.length === 0 ? undefined : String(Math.max(...seconds))
}
