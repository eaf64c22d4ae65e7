import {UsageError} from '../errors.js'

/** Throws what `identityToken` throws for an environment that cannot give a token. */
export function checkIdentity(env: Readonly<Record<string, string | undefined>>): void {
  if (!env['SIGSTORE_ID_TOKEN'] && !env['ACTIONS_ID_TOKEN_REQUEST_URL']) throw noToken()
}

/**
 * The identity token that this environment gives: SIGSTORE_ID_TOKEN, as GitLab's `id_tokens` and
 * users set it, else GitHub's for a job with the permission `id-token: write`. Throws `UsageError`
 * (`ERR_INJECT_NO_IDENTITY`).
 */
export async function identityToken(
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const own = env['SIGSTORE_ID_TOKEN']
  if (own !== undefined && own !== '') return own
  checkIdentity(env)
  const {CIContextProvider} = await import('@sigstore/sign')
  // its errors are replaced: they may repeat the token of the request
  return new CIContextProvider('sigstore').getToken().catch(() => {
    throw noToken()
  })
}

function noToken(): UsageError {
  return new UsageError('ERR_INJECT_NO_IDENTITY', 'there is no identity token to sign with', {
    hint: 'set SIGSTORE_ID_TOKEN, or give the job of GitHub the permission id-token: write',
  })
}
