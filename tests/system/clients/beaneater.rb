# The round of round.js through Ruby's beaneater: ruby beaneater.rb PORT [full]
require 'beaneater'

def check(truth, message = 'not as expected')
  raise "#{message} (line #{caller_locations(1, 1).first.lineno})" unless truth
end

def refused(with)
  yield
rescue with
  nil
else
  raise "no #{with}"
end

client, other = Array.new(2) { Beaneater.new("127.0.0.1:#{ARGV[0]}") }
tube = client.tubes['t']
client.tubes.watch!('t')

id = tube.put('hello', pri: 10, delay: 0, ttr: 60)[:id]
check client.jobs.find(id).body == 'hello'
job = client.tubes.reserve
check job.id == id && job.body == 'hello' && job.reserved?
refused(Beaneater::TimedOutError) { client.tubes.reserve(0) }
check job.touch[:status] == 'TOUCHED'
refused(Beaneater::NotFoundError) { other.jobs.find(id).touch }

released = Process.clock_gettime(Process::CLOCK_MONOTONIC)
job.release(pri: 5, delay: 1)
stats = client.jobs.find(id).stats
check stats.tube == 't' && stats.pri == 5 && stats.ttr == 60 && stats.releases == 1
job = client.tubes.reserve(60)
check job.id == id && Process.clock_gettime(Process::CLOCK_MONOTONIC) - released >= 1

job.bury(pri: 7)
check tube.peek(:buried).id == id
tube.kick(10)
check tube.peek(:ready).id == id
job = client.tubes.reserve
job.bury(pri: 7)
job.kick
job = client.tubes.reserve
job.release(pri: 7, delay: 1000)
check tube.peek(:delayed).id == id
check job.delete[:status] == 'DELETED'
refused(Beaneater::NotFoundError) { job.delete }
check tube.peek(:ready).nil? && client.jobs.find(id).nil?

["a\r\nb", "\r\n\r\n", 'x' * 60_000, (0..255).to_a.pack('C*'), ''].each do |body|
  tube.put(body)
  job = client.tubes.reserve(10)
  check job.body.b == body.b
  job.delete
end
refused(Beaneater::JobTooBigError) { tube.put('x' * 70_000) }

id = tube.put('p')[:id]
tube.pause(1000)
refused(Beaneater::TimedOutError) { client.tubes.reserve(0) }
tube.pause(0)
job = client.tubes.reserve(10)
check job.id == id
job.delete

stats = client.stats
check stats.cmd_put >= 6 && stats.current_connections >= 2 && stats.pid > 0 && stats.draining.to_s == 'false'
check Gem::Version.new(stats.version.to_s) > Gem::Version.new('1.7'), stats.version
check tube.stats.name == 't' && tube.stats.current_jobs_ready.zero? && tube.stats.cmd_pause_tube == 2
refused(Beaneater::NotFoundError) { client.tubes['nobody'].stats }
check client.tubes.all.map(&:name).include?('t')
check client.tubes.watched.map(&:name) == ['t'] && client.tubes.used.name == 't'

if ARGV[1] == 'full'
  rejecting, dropping, blocking = %w[rejecting dropping blocking].map { |name| client.tubes[name] }
  only = rejecting.put('one')[:id]
  refused(Beaneater::OutOfMemoryError) { rejecting.put('two') }
  client.jobs.find(only).delete
  rejecting.put('three')

  dropped = dropping.put('one')[:id]
  stays = dropping.put('two')[:id]
  check client.jobs.find(dropped).nil? && client.jobs.find(stays).body == 'two'

  first = blocking.put('one')[:id]
  held = Thread.new { other.tubes['blocking'].put('two')[:id] }
  20.times { check blocking.stats.current_jobs_ready == 1 }
  check held.alive?, 'a put into a full queue was answered'
  client.jobs.find(first).delete
  check client.jobs.find(held.value).body == 'two'
end

[client, other].each(&:close)
puts 'ok'
