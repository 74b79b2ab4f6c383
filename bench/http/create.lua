-- wrk: POST /webapi/verify, each request for another number of a fictional range.
local n = 0
local thread_number = 0

function setup(thread)
  thread:set("first", thread_number)
  thread_number = thread_number + 1
end

function init(args)
  n = first * 1000000
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Basic ZGVtbzpkZW1vLXNlY3JldA=="
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  n = n + 1
  -- 44 7700 900000 to 900999 are fictional; more are needed than those, so +1 area 555 01xx joins
  -- them: every area code of three digits, first digit 2 to 9.
  local area = 200 + n % 800
  return wrk.format(nil, "/webapi/verify", nil,
    string.format('{"to":"1%03d55501%02d"}', area, (n / 800) % 100))
end
