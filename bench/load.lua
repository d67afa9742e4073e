-- SPDX-License-Identifier: Apache-2.0
-- Sends the requests of a file, in turn. The file holds whole requests, each followed by a record
-- separator (byte 30); @KEY@ in a request becomes a key that no other request has.
-- So many requests are made before the load begins, so that a key costs no time while it runs.
-- With a rate, request n leaves at n / rate seconds, or as soon as a connection is free.
-- wrk ... -s load.lua URL -- FILE PREFIX_OF_KEYS REQUESTS_MADE_BEFORE REQUESTS_A_SECOND

local ffi = require("ffi")
ffi.cdef("struct timespec_of_load { long seconds; long nanoseconds; }; int clock_gettime(int, struct timespec_of_load *);")

local before, after, made, sent, prefix, rate, begun, due = {}, {}, {}, 0, "", 0, nil, 0
local clock = ffi.new("struct timespec_of_load")

local function now()
    ffi.C.clock_gettime(1, clock)
    return tonumber(clock.seconds) + tonumber(clock.nanoseconds) / 1e9
end

local function make(n)
    local i = n % #before + 1
    if after[i] then
        return before[i] .. prefix .. n .. after[i]
    end
    return before[i]
end

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    for request in file:read("*a"):gmatch("([^\30]+)\30") do
        local head, tail = request:match("^(.-)@KEY@(.*)$")
        before[#before + 1] = head or request
        after[#after + 1] = tail or false
    end
    file:close()
    prefix = arguments[2]
    for n = 1, tonumber(arguments[3]) do
        made[n] = make(n)
    end
    rate = tonumber(arguments[4])
    if rate > 0 then
        -- Milliseconds before a connection's next request; wrk asks only when the function is there.
        delay = function()
            begun = begun or now()
            due = due + 1
            return math.max(0, math.floor((begun + due / rate - now()) * 1000 + 0.5))
        end
    end
end

function request()
    sent = sent + 1
    return made[sent] or make(sent)
end

-- wrk counts as errors.status what was answered with more than 399.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format('RESULT {"answered":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}\n',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
