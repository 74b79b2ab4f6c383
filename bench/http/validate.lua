-- wrk: PUT /webapi/verify/{id}/validate of ids made before, with a wrong code. IDS names a file of
-- ids, one a line.
local ids = {}
local n = 0

function init(args)
  for line in io.lines(os.getenv("IDS")) do ids[#ids + 1] = line end
  n = math.random(#ids)
  wrk.method = "PUT"
  wrk.headers["Authorization"] = "Basic ZGVtbzpkZW1vLXNlY3JldA=="
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  n = n % #ids + 1
  return wrk.format(nil, "/webapi/verify/" .. ids[n] .. "/validate", nil, '{"code":"000000"}')
end
