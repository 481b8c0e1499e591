-- Sends the requests of a file, each in turn: `-s prepared.lua URL -- FILE`. In the file every request follows its
-- length in decimal and a newline. Each thread begins elsewhere, so that two are seldom at the same device.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  requests = {}
  local file = assert(io.open(args[1], "rb"))
  for length in file:lines() do
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
  turn = math.floor(number * #requests / 2)
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format('figures {"requests":%d,"microseconds":%d,"failed":%d}', summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
