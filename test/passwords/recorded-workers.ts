// Stands in for node:worker_threads: real threads, with a list of them and of what they were given to do.
const real = jest.requireActual<typeof import('node:worker_threads')>('node:worker_threads')

export interface RecordedJob {
  secret: string
  hash?: string
  cost?: number
}

export class RecordedWorker extends real.Worker {
  readonly jobs: RecordedJob[] = []
  unanswered = 0
  mostAtOnce = 0

  constructor(...args: ConstructorParameters<typeof real.Worker>) {
    if (broken.reason) throw broken.reason
    super(...args)
    this.on('message', () => {
      this.unanswered -= 1
    })
    workers.push(this)
  }

  override postMessage(job: RecordedJob): void {
    this.jobs.push(job)
    this.unanswered += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.unanswered)
    super.postMessage(job)
  }
}

/** Every worker since the tests of this file began. */
export const workers: RecordedWorker[] = []
/** With a reason, no worker can be started. */
export const broken: { reason?: Error | undefined } = {}

export const allJobs = (): RecordedJob[] => workers.flatMap((worker) => worker.jobs)

/** The cost that bcrypt has to pay for a job. */
export const costOf = ({ hash, cost }: RecordedJob): number => cost ?? Number(hash?.slice(4, 6))

export const workerThreads = (): typeof real => ({ ...real, Worker: RecordedWorker })
