-- wrk: PUT /webapi/verify/{id}/validate with a wrong code, over the ids in the file that IDS names,
-- again and again: the first five rounds are evaluated and counted on disk.
local ids = {}
local n = 0

function init(args)
  for line in io.lines(os.getenv("IDS")) do ids[#ids + 1] = line end
  wrk.method = "PUT"
  wrk.headers["Authorization"] = "Basic ZGVtbzpkZW1vLXNlY3JldA=="
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  n = n % #ids + 1
  return wrk.format(nil, "/webapi/verify/" .. ids[n] .. "/validate", nil, '{"code":"000000"}')
end
