import {tagPattern} from '../oci/names/tag.js'
import {typeSuffixes} from './media-types.js'

const digest = 'sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}'
const name = '[a-z0-9][a-z0-9._/-]*'
const reading = 'if ($request_method !~ ^(?:GET|HEAD)$) { return 405; }'
const errors = (unknown: string): string =>
  `error_page 404 /v2/_errors/${unknown}; error_page 405 /v2/_errors/read-only;`
const types = [...typeSuffixes].map(([type, suffix]) => `        ${type} ${suffix};`).join('\n')

/** A digest is a strong entity tag, and what a client has in its hand may be in a list of them. */
const unchanged = `set $inject_condition "$inject_digest $http_if_none_match";
        if ($inject_condition ~ '^([a-z0-9:]+) (?:\\*|(?:.*, *)?(?:W/)?"\\1"(?: *,.*)?)$') { return 304; }`

const common = `add_header Last-Modified "";
        add_header X-Content-Type-Options nosniff always;
        add_header Docker-Distribution-API-Version registry/2.0 always;`

const identity = `add_header Docker-Content-Digest $inject_digest;
        add_header ETag '"$inject_digest"';
        ${common}`

/**
 * How nginx serves a site. Nothing of an image's is in it. Which manifest a tag names nginx learns
 * by `$realpath_root`, which follows the link once; the end of the file's name gives the media
 * type, its folder the digest.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#var_realpath_root
 */
export const nginxConfiguration = `# How nginx serves this folder as a read-only registry. In a server block of yours:
#
#     server { listen 443 ssl; server_name registry.example; root /srv/site; include /srv/site/nginx.conf; }
#
# A request for more than 300 ranges of a blob needs "large_client_header_buffers 4 32k;" there, too; without it, clients
# that are refused ask for fewer.
#
# inject publish writes this once, and the same for every site.

set $inject_site $document_root;

location = /v2 {
    ${reading}
    types { }
    default_type application/json;
    etag off;
    if_modified_since off;
    max_ranges 0;
    ${common}
    try_files /v2/index.html =404;
}

location /v2/ {
    # entity tags are digests; and the time of a file says nothing about a tag, which may move back to an older one
    etag off;
    if_modified_since off;
    max_ranges 0;
    gzip off;
    types {
${types}
    }
    default_type application/json;
    ${errors('unsupported')}
    ${reading}
    return 404;

    location = /v2/ {
        ${reading}
        types { }
        ${common}
        try_files /v2/index.html =404;
    }

    location = /v2/_catalog {
        ${reading}
        ${common}
    }

    location ^~ /v2/_errors/ {
        internal;
        ${common}
    }

    location = /v2/_errors/read-only {
        internal;
        add_header Allow "GET, HEAD" always;
        ${common}
    }

    location ~ "^/v2/${name}/tags/list$" {
        ${reading}
        ${errors('name-unknown')}
        ${common}
    }

    location ~ "^/v2/${name}/referrers/(?:${digest})$" {
        ${reading}
        default_type application/vnd.oci.image.index.v1+json;
        ${common}
        try_files $uri /v2/_errors/no-referrers =404;
    }

    location ~ "^/v2/${name}/blobs/(?<inject_digest>${digest})$" {
        ${reading}
        ${errors('blob-unknown')}
        ${unchanged}
        default_type application/octet-stream;
        max_ranges 1024;
        ${identity}
    }

    # a manifest by its tag or digest: the link is followed once, so that all of the answer is about one manifest
    location ~ "^/v2/(?<inject_name>${name})/manifests/(?:${tagPattern}|${digest})$" {
        ${reading}
        ${errors('manifest-unknown')}
        if (!-f $inject_site$uri) { return 404; }
        root $inject_site$uri;
        # not by "set", which asks twice
        if ($realpath_root ~ "/manifests/\\.all/(?<inject_file>(?:${digest})/manifest\\.[a-z-]+)$") {
            rewrite ^ /v2/$inject_name/manifests/.all/$inject_file last;
        }
        return 404;
    }

    location ~ "^/v2/${name}/manifests/\\.all/(?<inject_digest>${digest})/manifest\\.[a-z-]+$" {
        internal;
        ${errors('manifest-unknown')}
        ${unchanged}
        ${identity}
    }
}
`
