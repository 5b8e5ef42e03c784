import { createInterface } from 'node:readline'

const countWords = async (job) => `${job.body}: ${job.body.split(/\s+/).filter(Boolean).length}`

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line)
  countWords(job)
    .then(result => ({ id: job.id, ok: true, result }), problem => ({ id: job.id, error: String(problem) }))
    .then(answer => process.stdout.write(JSON.stringify(answer) + '\n'))
}
