-- What wrk sends, and its result as one line of JSON.
-- Arguments: "get" or "upload", "keep" or "new", number of routes to go round (0: the path as is).

local upload_size = 1024 * 1024
local requests = {}
local at = 0

function init(args)
  if args[1] == "upload" then
    wrk.method = "POST"
    wrk.body = string.rep("u", upload_size)
  end
  if args[2] == "new" then
    wrk.headers["Connection"] = "close"
  end
  for route = 0, tonumber(args[3] or "0") - 1 do
    requests[#requests + 1] = wrk.format(nil, "/r" .. route .. wrk.path)
  end
  -- Without routes wrk keeps the one request it has made, which costs it less.
  if #requests > 0 then
    request = function()
      at = at % #requests + 1
      return requests[at]
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"micros":%d,"octets":%d,"p50_us":%d,"p99_us":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
