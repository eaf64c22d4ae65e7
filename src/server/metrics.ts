import {collectDefaultMetrics, Counter, Gauge, Histogram, Registry} from 'prom-client'
import {LocalIoError} from '../errors.js'
import type {AccessRecord} from './http/access-record.js'
import type {DefenseReason} from './http/refusal.js'

/** What a server counts, for Prometheus. */
export interface ServerMetrics {
  /** A request has come; what it gives is called with its record when it is over. */
  begin(): (record: AccessRecord) => void
  /** A request was refused to defend the registry. */
  refused(reason: DefenseReason): void
  /** A connection was ended because others needed the memory that it held. */
  cut(): void
  /** Asked when the metrics are: whether what is served is there. */
  watchRoot(check: () => Promise<void>): void
  /** Asked when the metrics are. */
  watchConnections(count: () => Promise<number>): void
  render(): Promise<{readonly contentType: string; readonly text: string}>
}

/** It could not be told, or was told that it has gone: nothing can be served in either case. */
async function availability(check: () => Promise<void>): Promise<0 | 1> {
  try {
    await check()
    return 1
  } catch (error) {
    if (error instanceof LocalIoError) return 0
    throw error
  }
}

/** Of one server alone: two in one process count apart. */
export function createServerMetrics(): ServerMetrics {
  const register = new Registry()
  collectDefaultMetrics({register})
  const registers = [register]
  const requests = new Counter({
    name: 'inject_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'resource', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'inject_http_request_duration_seconds',
    help: 'Time from the headers of a request to the last byte of its answer.',
    labelNames: ['method', 'resource'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600],
    registers,
  })
  const bytes = new Counter({
    name: 'inject_http_body_bytes_total',
    help: 'Bytes of bodies.',
    labelNames: ['direction'],
    registers,
  })
  const running = new Gauge({
    name: 'inject_http_requests_running',
    help: 'Requests that have no complete answer yet.',
    registers,
  })
  const refusals = new Counter({
    name: 'inject_http_refused_total',
    help: 'Requests refused in defense: a foreign host or origin, no memory, too many wrong passwords.',
    labelNames: ['reason'],
    registers,
  })
  const cuts = new Counter({
    name: 'inject_http_connections_cut_total',
    help: 'Connections ended because their client stalled while others needed the memory.',
    registers,
  })
  return {
    refused: (reason) => refusals.inc({reason}),
    cut: () => cuts.inc(),
    begin() {
      running.inc()
      return ({method, resource, status, received, sent, milliseconds}) => {
        running.dec()
        requests.inc({method, resource, status})
        duration.observe({method, resource}, milliseconds / 1000)
        bytes.inc({direction: 'received'}, received)
        bytes.inc({direction: 'sent'}, sent)
      }
    },
    watchRoot(check) {
      new Gauge({
        name: 'inject_root_available',
        help: 'Whether the folder that is served is there: 1, or 0.',
        registers,
        async collect() {
          this.set(await availability(check))
        },
      })
    },
    watchConnections(count) {
      new Gauge({
        name: 'inject_http_connections',
        help: 'Open connections.',
        registers,
        async collect() {
          this.set(await count())
        },
      })
    },
    async render() {
      return {contentType: register.contentType, text: await register.metrics()}
    },
  }
}
