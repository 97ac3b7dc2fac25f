-- Walks a list of requests, each with its length in a line before it. "once": ends with the list, because what can be
-- used once only must not be sent twice; "cycle": begins again. Tells when the first and the last of them left.
local ffi = require("ffi")
ffi.cdef[[
  typedef struct { long seconds; long nanoseconds; } bench_time;
  int clock_gettime(int clock, bench_time *time);
]]
local clock = ffi.new("bench_time")
local function now()
  ffi.C.clock_gettime(1, clock)
  return tonumber(clock.seconds) + tonumber(clock.nanoseconds) / 1e9
end

local idle = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
local requests, count, next_one, cycle = {}, 0, 1, false
sent, first, last = 0, 0, 0

local threads = {}
function setup(thread) table.insert(threads, thread) end

function init(args)
  cycle = args[2] == "cycle"
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*l")
    if not length then break end
    count = count + 1
    requests[count] = file:read(tonumber(length))
  end
  file:close()
end

function request()
  if next_one > count then
    if not cycle then
      wrk.thread:stop()
      return idle
    end
    next_one = 1
  end
  if sent == 0 then first = now() end
  last = now()
  sent = sent + 1
  next_one = next_one + 1
  return requests[next_one - 1]
end

function done(summary, latency, _)
  local thread = threads[1]
  local errors = summary.errors
  io.write(string.format(
    '\nBENCH {"requests":%d,"sent":%d,"seconds":%.6f,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, thread:get("sent"), thread:get("last") - thread:get("first"),
    latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
