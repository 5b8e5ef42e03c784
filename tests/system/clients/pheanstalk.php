<?php
// The round of round.js through PHP's Pheanstalk: php pheanstalk.php PORT [full]
error_reporting(E_ALL & ~E_DEPRECATED);
require 'Pheanstalk/autoload.php';

use Pheanstalk\Exception\JobTooBigException;
use Pheanstalk\Exception\ServerException;
use Pheanstalk\Exception\ServerOutOfMemoryException;
use Pheanstalk\JobId;
use Pheanstalk\Pheanstalk;

function check(bool $truth, string $what = 'not as expected'): void
{
    if (!$truth) {
        fwrite(STDERR, $what . ' (line ' . debug_backtrace()[0]['line'] . ")\n");
        exit(1);
    }
}

function refused(string $with, callable $what): void
{
    try {
        $what();
    } catch (\Exception $error) {
        check($error instanceof $with, get_class($error) . ': ' . $error->getMessage());
        return;
    }
    check(false, "no $with");
}

$port = (int) $argv[1];
$client = Pheanstalk::create('127.0.0.1', $port);
$other = Pheanstalk::create('127.0.0.1', $port);
$client->useTube('t')->watchOnly('t');

$id = $client->put('hello', 10, 0, 60)->getId();
$job = $client->reserve();
check($job->getId() === $id && $job->getData() === 'hello');
check($client->reserveWithTimeout(0) === null);
$client->touch($job);
refused(ServerException::class, function () use ($other, $job) { $other->touch($job); });

$released = microtime(true);
$client->release($job, 5, 1);
$stats = $client->statsJob($job);
check(trim($stats['tube'], '"') === 't' && (int) $stats['pri'] === 5 && (int) $stats['ttr'] === 60);
check((int) $stats['releases'] === 1);
$job = $client->reserveWithTimeout(60);
check($job->getId() === $id && microtime(true) - $released >= 0.999); // of two readings of a clock that may be set

$client->bury($job, 7);
check($client->peekBuried()->getId() === $id);
check($client->kick(10) === 1);
check($client->peekReady()->getId() === $id && $client->peek($job)->getData() === 'hello');
$job = $client->reserve();
$client->bury($job, 7);
$client->kickJob($job);
$job = $client->reserve();
$client->release($job, 7, 1000);
check($client->peekDelayed()->getId() === $id && $client->peekReady() === null);
$client->delete($job);
refused(ServerException::class, function () use ($client, $job) { $client->delete($job); });

foreach (["a\r\nb", "\r\n\r\n", str_repeat('x', 60000), implode('', array_map('chr', range(0, 255))), ''] as $body) {
    $client->put($body);
    $job = $client->reserveWithTimeout(10);
    check($job->getData() === $body);
    $client->delete($job);
}
refused(JobTooBigException::class, function () use ($client) { $client->put(str_repeat('x', 70000)); });

$put = $client->put('p');
$client->pauseTube('t', 1000);
check($client->reserveWithTimeout(0) === null);
$client->resumeTube('t');
$job = $client->reserveWithTimeout(10);
check($job->getId() === $put->getId());
$client->delete($job);

$stats = $client->stats();
check((int) $stats['cmd-put'] >= 6 && (int) $stats['current-connections'] >= 2 && $stats['draining'] === 'false');
check(version_compare(trim($stats['version'], '"'), '1.7', '>'), $stats['version']);
$tube = $client->statsTube('t');
check((int) $tube['current-jobs-ready'] === 0 && (int) $tube['cmd-pause-tube'] === 2);
refused(ServerException::class, function () use ($client) { $client->statsTube('nobody'); });
check(in_array('t', $client->listTubes()));
check($client->listTubesWatched(true) === ['t'] && $client->listTubeUsed(true) === 't');

if (($argv[2] ?? '') === 'full') {
    $client->useTube('rejecting');
    $only = $client->put('one');
    refused(ServerOutOfMemoryException::class, function () use ($client) { $client->put('two'); });
    $client->delete($only);
    $client->put('three');

    $client->useTube('dropping');
    $dropped = $client->put('one');
    $stays = $client->put('two');
    refused(ServerException::class, function () use ($client, $dropped) { $client->peek($dropped); });
    check($client->peek($stays)->getData() === 'two');

    // Its calls wait: a process of its own puts into the full queue.
    $client->useTube('blocking');
    $first = $client->put('one');
    [$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $child = pcntl_fork();
    if ($child === 0) {
        fwrite($there, Pheanstalk::create('127.0.0.1', $port)->useTube('blocking')->put('two')->getId() . "\n");
        posix_kill(getmypid(), SIGKILL); // it shares its parent's connections, and must not end them
    }
    fclose($there);
    for ($round = 0; $round < 20; ++$round) {
        check((int) $client->statsTube('blocking')['current-jobs-ready'] === 1);
    }
    $client->delete($first);
    $second = (int) fgets($here);
    check($client->peek(new JobId($second))->getData() === 'two');
    pcntl_waitpid($child, $status);
}

echo "ok\n";
