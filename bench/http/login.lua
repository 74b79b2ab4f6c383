-- wrk: sign-ins with a secret that nobody has used before, some four a second on each connection. Each
-- costs the server one Argon2id, and is answered with 401. Prints "a-second p50 p99", microseconds.
local n = 0

function delay()
  return 220
end

function request()
  n = n + 1
  local pair = "demo:wrong-" .. n .. "-" .. math.random(1e9)
  return wrk.format("POST", "/webapi/verify",
    { ["Authorization"] = "Basic " .. base64(pair), ["Content-Type"] = "application/json" }, "{}")
end

local symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for k = 0, 3 do
      local at = math.floor(bits / 2 ^ (18 - 6 * k)) % 64
      local absent = (k == 3 and not c) or (k == 2 and not b)
      out[#out + 1] = absent and "=" or symbols:sub(at + 1, at + 1)
    end
  end
  return table.concat(out)
end

function done(summary, latency, requests)
  print(string.format("login %.1f %.0f %.0f %d", summary.requests * 1e6 / summary.duration,
    latency:percentile(50), latency:percentile(99), summary.requests - summary.errors.status))
end
