-- wrk: POST /webapi/verify, each request for another number of a fictional range. With IDS set, the
-- ids of the answers are written there, one a line, for validate.lua.
local n = 0
local out = os.getenv("IDS")

function init(args)
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Basic ZGVtbzpkZW1vLXNlY3JldA=="
  wrk.headers["Content-Type"] = "application/json"
  if out then
    local file = io.open(out, "w")
    function response(status, headers, body)
      file:write(body:match('"requestId":"([^"]+)"'), "\n")
    end
  end
end

-- +1 area-555-0100 to 0199 is fictional in every area: 80,000 numbers.
function request()
  n = n + 1
  return wrk.format(nil, "/webapi/verify", nil,
    string.format('{"to":"1%03d55501%02d"}', 200 + n % 800, math.floor(n / 800) % 100))
end
