-- wrk: what create.lua sends, but each connection pauses between two requests, so that the rate is
-- steady and the server has time to spare; prints "requests-a-second p50 p99", in microseconds.
local n = 0

function init(args)
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Basic ZGVtbzpkZW1vLXNlY3JldA=="
  wrk.headers["Content-Type"] = "application/json"
end

function delay()
  return 10
end

function request()
  n = n + 1
  return wrk.format(nil, "/webapi/verify", nil,
    string.format('{"to":"1%03d55501%02d"}', 200 + n % 800, math.floor(n / 800) % 100))
end

function done(summary, latency, requests)
  local errors = summary.errors
  if errors.status + errors.read + errors.timeout + errors.connect > 0 then print("errors") end
  print(string.format("paced %.0f %.0f %.0f", summary.requests * 1e6 / summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
