-- Sends the bodies of a file, one a line, in turn. The mark for the time becomes the time of sending.
-- From the environment: BENCH_BODIES (path), BENCH_TOKEN.
local MARK = '@UNIXTIME@'

local threads = 0
function setup(thread)
  thread:set('number', threads)
  threads = threads + 1
end

local before, after, count = {}, {}, 0
local position = 0

function init()
  local headers = { ['Content-Type'] = 'application/json', ['X-Tempo-Token'] = os.getenv('BENCH_TOKEN') }
  for body in io.lines(os.getenv('BENCH_BODIES')) do
    local request = wrk.format('POST', nil, headers, body)
    local from, to = request:find(MARK, 1, true)
    count = count + 1
    before[count], after[count] = request:sub(1, from - 1), request:sub(to + 1)
  end
  -- Threads begin at places far from each other.
  position = (number * 619) % count
end

function request()
  position = position % count + 1
  return before[position] .. os.time() .. after[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
