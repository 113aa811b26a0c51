-- wrk's requests of scripts/bench-load.py: each posts the JPEG PICTURE with a comment that counts, so that no request is
-- identical to another one and none can be answered with another one's result.
local file = io.open(os.getenv("PICTURE"), "rb")
local picture = file:read("*a")
file:close()
local start, rest = picture:sub(1, 2), picture:sub(3)
local headers = { ["Content-Type"] = "image/jpeg" }
local n = 0

request = function()
  n = n + 1
  local comment = "\255\254\0\018" .. string.format("%016d", n)
  return wrk.format("POST", nil, headers, start .. comment .. rest)
end
