import {stringify} from 'yaml'
import {githubWorkflow} from './github.js'
import {gitlabJobs} from './gitlab.js'
import {checkJob, type FleetJob, type JobEngine} from './job.js'
import {kubernetesJob} from './kubernetes.js'

const documents: Readonly<Record<JobEngine, (job: FleetJob) => object>> = {
  kubernetes: kubernetesJob,
  gitlab: gitlabJobs,
  github: githubWorkflow,
}

/** How the file is put to use, for its first lines. */
const uses: Readonly<Record<JobEngine, string>> = {
  kubernetes: 'start a run with: kubectl create -f FILE',
  gitlab: 'add it to .gitlab-ci.yml with: include: {local: FILE}',
  github: 'put it into .github/workflows',
}

/**
 * The file that makes an engine run the fleet in shards, as YAML; credentials are in it by the name
 * of a secret only. Throws what `checkJob` throws.
 */
export function printJob(job: FleetJob, engine: JobEngine): string {
  checkJob(job, engine)
  const text = stringify(documents[engine](job), {lineWidth: 0, aliasDuplicateObjects: false})
  return `# Runs the fleet of ${job.file} in ${job.shards} shards; ${uses[engine]}\n${text.trimEnd()}`
}
