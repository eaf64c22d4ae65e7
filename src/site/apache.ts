import {tagPattern} from '../oci/names/tag.js'
import {typeSuffixes} from './media-types.js'

const digest = 'sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}'
const name = '[a-z0-9][a-z0-9._/-]*'
const types = [...typeSuffixes].map(([type, suffix]) => `AddType ${type} .${suffix}`).join('\n')

/** As in nginx.ts. */
const unchanged = `RewriteCond %{ENV:INJECT_DIGEST}#%{HTTP:If-None-Match} ^([a-z0-9:]+)#(?:\\*|(?:.*,\\s*)?(?:W/)?"\\1"(?:\\s*,.*)?)$ [NV]`

/**
 * How Apache serves a site. Nothing of an image's is in it. Apache can follow a link but not say
 * where it leads: so there is a file `location` beside every manifest, which is read through the
 * link of a tag, once. https://httpd.apache.org/docs/2.4/expr.html#functions
 */
export const apacheConfiguration = `# How Apache serves this folder as a read-only registry. In a virtual host of yours whose DocumentRoot it is:
#
#     Include /srv/site/apache.conf
#
# A request for more than 300 ranges of a blob needs "LimitRequestFieldSize 32768" there, too; without it, clients that are
# refused ask for fewer.
#
# Needs mod_rewrite, mod_headers and mod_mime. It cannot be an .htaccess: those are not allowed to read files.
# inject publish writes this once, and the same for every site.

${types}

<LocationMatch "^/v2(?:/|$)">
    Require all granted
    ErrorDocument 404 /v2/_errors/unsupported
    ErrorDocument 405 /v2/_errors/read-only
    Header always set X-Content-Type-Options nosniff
    Header always set Docker-Distribution-API-Version registry/2.0
    Header set Docker-Content-Digest "%{INJECT_DIGEST}e" env=INJECT_DIGEST
    Header set ETag "\\"%{INJECT_DIGEST}e\\"" env=INJECT_DIGEST
    Header always set ETag "\\"%{INJECT_DIGEST}e\\"" "expr=%{REQUEST_STATUS} == 304 && -n reqenv('INJECT_DIGEST')"
    # entity tags are digests; and the time of a file says nothing about a tag, which may move back to an older one
    Header unset ETag env=!INJECT_DIGEST
    Header unset Last-Modified
    RequestHeader unset If-Modified-Since
    RequestHeader unset If-Unmodified-Since
    MaxRanges 1024
    Header unset Accept-Ranges env=!INJECT_BLOB
</LocationMatch>
<LocationMatch "^/v2/.+/tags/list$">
    ErrorDocument 404 /v2/_errors/name-unknown
</LocationMatch>
<LocationMatch "^/v2/.+/blobs/[^/]+$">
    ErrorDocument 404 /v2/_errors/blob-unknown
</LocationMatch>
<LocationMatch "^/v2/.+/manifests/[^/]+$">
    ErrorDocument 404 /v2/_errors/manifest-unknown
</LocationMatch>

RewriteEngine On
RewriteRule ^/v2(?:/|$) - [E=no-gzip:1]

# the answers to what is not there
RewriteCond %{ENV:REDIRECT_STATUS} =405
RewriteRule ^/v2/_errors/[a-z-]+$ - [E=INJECT_ALLOW:1]
RewriteCond %{ENV:REDIRECT_STATUS} !^$
RewriteRule ^/v2/_errors/[a-z-]+$ - [T=application/json,L]
Header always set Allow "GET, HEAD" env=INJECT_ALLOW

RewriteCond %{REQUEST_METHOD} !^(?:GET|HEAD)$
RewriteRule ^/v2(?:/|$) - [R=405,L]

RewriteRule ^/v2/?$ %{DOCUMENT_ROOT}/v2/index.html [T=application/json,L]
RewriteRule ^/v2/_catalog$ - [T=application/json,L]
RewriteRule ^/v2/${name}/tags/list$ - [T=application/json,L]

RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} !-f
RewriteRule ^/v2/${name}/referrers/(?:${digest})$ %{DOCUMENT_ROOT}/v2/_errors/no-referrers [T=application/vnd.oci.image.index.v1+json,L]
RewriteRule ^/v2/${name}/referrers/(?:${digest})$ - [T=application/vnd.oci.image.index.v1+json,L]

RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} -f
RewriteRule ^/v2/${name}/blobs/(${digest})$ - [E=INJECT_DIGEST:$1]
${unchanged}
RewriteRule ^/v2/${name}/blobs/[^/]+$ /v2/ [R=304,L]
RewriteRule ^/v2/${name}/blobs/(?:${digest})$ - [E=INJECT_BLOB:1,T=application/octet-stream,L]

# a manifest by its tag or digest: the link is followed once, so that all of the answer is about one manifest
RewriteRule ^/v2/(${name})/manifests/(${tagPattern}|${digest})$ - [E=INJECT_LOCATION:%{DOCUMENT_ROOT}/v2/$1/manifests/.all/$2/location]
RewriteCond %{ENV:INJECT_LOCATION} -f
RewriteCond expr "file(reqenv('INJECT_LOCATION')) =~ m#^((${digest})/manifest\\.[a-z-]+)$#"
RewriteRule ^/v2/(${name})/manifests/[^/]+$ %{DOCUMENT_ROOT}/v2/$1/manifests/.all/%1 [E=INJECT_DIGEST:%2]
${unchanged}
RewriteRule /manifests/\\.all/[^/]+/manifest\\.[a-z-]+$ /v2/ [R=304,L]
RewriteCond %{ENV:INJECT_DIGEST} !^$
RewriteRule /manifests/\\.all/[^/]+/manifest\\.[a-z-]+$ - [L]

RewriteRule ^/v2/ - [R=404,L]
`
