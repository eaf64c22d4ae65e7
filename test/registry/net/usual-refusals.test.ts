import {describe, expect, it} from 'vitest'
import {type Refusal, usualRefusal} from '../../../src/registry/net/usual-refusals.js'

const upload = 'https://registry.example/v2/team/app/blobs/uploads/'
const manifest = 'https://registry.example/v2/team/app/manifests/v1'

const refusal = (
  request: string,
  status: number,
  code: string,
  message = '',
  detail?: string,
): Refusal => {
  const [method = '', url = ''] = request.split(' ')
  return {
    method,
    url: new URL(url),
    status,
    errors: [{code, message, ...(detail !== undefined && {detail})}],
  }
}

describe('usualRefusal', () => {
  it.each<[string, Refusal, string]>([
    ['ECR, GAR', refusal(`POST ${upload}`, 404, 'NAME_UNKNOWN'), 'no-repository'],
    ['ECR, at a manifest', refusal(`PUT ${manifest}`, 404, 'NAME_UNKNOWN'), 'no-repository'],
    [
      'ACR',
      refusal(
        `PUT ${manifest}`,
        405,
        'UNSUPPORTED',
        'The operation is disallowed on this registry',
      ),
      'locked',
    ],
    ['Artifactory', refusal(`POST ${upload}`, 403, 'DENIED', 'repository is read-only'), 'locked'],
    ['GAR', refusal(`PUT ${manifest}`, 409, 'DENIED', 'the tag is locked'), 'locked'],
    [
      'Harbor 2',
      refusal(
        `PUT ${upload}x`,
        403,
        'DENIED',
        'adding 9 MiB of storage resource, which when updated to current usage of 1 GiB will exceed the configured upper limit of 1 GiB',
      ),
      'over-quota',
    ],
    [
      'Harbor 1',
      refusal(`PUT ${manifest}`, 412, 'PRECONDITION', 'Quota exceeded when processing'),
      'over-quota',
    ],
    [
      'ECR',
      refusal(`PUT ${manifest}`, 400, 'LIMIT', 'the limit of 10000 images was exceeded'),
      'over-quota',
    ],
    [
      'a reason in the detail only',
      refusal(`POST ${upload}`, 507, 'UNKNOWN', '', 'storage quota used up'),
      'over-quota',
    ],
    ['Docker Hub', refusal(`POST ${upload}`, 402, 'DENIED', 'payment required'), 'unpaid'],
    ['Quay', refusal(`PUT ${manifest}`, 400, 'MANIFEST_INVALID'), 'manifest-refused'],
  ])('knows %s', (_, refused, meaning) => {
    expect(usualRefusal(refused)?.meaning).toBe(meaning)
  })

  it.each<[string, Refusal]>([
    ['a read of what is not there', refusal(`GET ${manifest}`, 404, 'NAME_UNKNOWN')],
    ['an upload that is gone', refusal(`PUT ${upload}x`, 404, 'BLOB_UPLOAD_UNKNOWN')],
    ['missing rights', refusal(`PUT ${manifest}`, 403, 'DENIED', 'requested access is denied')],
    ['a blocked method', refusal(`PATCH ${upload}x`, 405, 'UNSUPPORTED', 'no chunks')],
    ['a blocked word', refusal(`PUT ${manifest}`, 403, 'DENIED', 'blocked by policy')],
    ['a condition', refusal(`PUT ${manifest}`, 412, 'DENIED', 'the condition does not hold')],
    ['a rate limit', refusal(`PUT ${manifest}`, 429, 'TOOMANYREQUESTS', 'limit exceeded')],
    ['a size', refusal(`PUT ${upload}x`, 413, 'SIZE_INVALID', 'too large')],
    ['a faulty upload', refusal(`PUT ${upload}x`, 400, 'BLOB_UPLOAD_INVALID')],
  ])('leaves %s alone', (_, refused) => {
    expect(usualRefusal(refused)).toBeUndefined()
  })

  it('names the command for ECR', () => {
    const url = 'https://1.dkr.ecr.eu-west-1.amazonaws.com/v2/team/app/blobs/uploads/'
    expect(usualRefusal(refusal(`POST ${url}`, 404, 'NAME_UNKNOWN'))?.hint).toMatch(
      /: aws ecr create-repository --repository-name team\/app$/,
    )
    expect(usualRefusal(refusal(`POST ${upload}`, 404, 'NAME_UNKNOWN'))?.hint).not.toMatch(/aws/)
  })
})
