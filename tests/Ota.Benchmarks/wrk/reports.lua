-- Sends batches of reports, every one new: `-s reports.lua URL -- FILE THREADS FIRST BATCH`. The file has one device's
-- token in each line; a thread takes the lines that are its own, so that a device's seq has one source. FIRST is the
-- seq to begin with.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local of, first = tonumber(args[2]), tonumber(args[3])
  batch = tonumber(args[4])
  heads, line = {}, 0
  for token in io.lines(args[1]) do
    if line % of == number then
      heads[#heads + 1] = "POST /agent/v1/reports HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. token ..
        "\r\nContent-Type: application/json\r\nContent-Length: "
    end
    line = line + 1
  end
  seq, turn = first, 0
end

function request()
  turn = turn + 1
  if turn > #heads then
    turn, seq = 1, seq + batch
  end
  local parts = {}
  for i = 0, batch - 1 do
    parts[i + 1] = '{"seq":' .. string.format("%d", seq + i) ..
      ',"at":1767225600,"deployment":"51","state":"downloading","detail":"40%"}'
  end
  local body = "[" .. table.concat(parts, ",") .. "]"
  return heads[turn] .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format('figures {"requests":%d,"microseconds":%d,"failed":%d}', summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
