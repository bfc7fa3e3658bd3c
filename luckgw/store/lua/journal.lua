#!lua flags=allow-oom
-- The journal: every change of a message's state, one batch of operations per call.
-- ARGV: node, epoch, then operations, each an op letter and its fixed arguments.
-- The answer has one verdict per operation, in order. docs/adr/0006 explains the record.
-- Every operation is safe to repeat: a batch whose answer was lost is sent again.
-- Keys: see luckgw/store/keys.py. Python twin for tests: luckgw/store/memory.py.

local call = redis.call
local argv = ARGV
local byte, char, sub, floor = string.byte, string.char, string.sub, math.floor

if call('HGET', 'luckgw:nodes', argv[1]) ~= argv[2] then
  return redis.error_reply('FENCED this node was taken over')
end

local DELIVERED, UNDELIVERED, EXPIRED, UNKNOWN_FOR_GOOD = 4, 5, 6, 10
local ACCEPTED, SENT, UNKNOWN = 1, 2, 3
local ON_ITS_WAY = 20 -- an event that is no state: what a carrier said meanwhile
local MOST_NOTES = 10
local WANTS_DELIVER_SM, WANTS_WEBHOOK = 1, 2
local INBOUND = 2 -- the layout version of a message from a phone
local EVERY_SEGMENT = 255
local UNCERTAIN = 17

-- Pushes to ready queues and removals from claims, gathered over the batch: one command
-- for many messages. Flushed before anything reads those keys.
local pushes, push_order, removals = {}, {}, {}

local function push(key, entry)
  local list = pushes[key]
  if list then
    list[#list + 1] = entry
  else
    pushes[key] = { entry }
    push_order[#push_order + 1] = key
  end
end

local function remove(key, entry)
  local list = removals[key]
  if list then list[#list + 1] = entry else removals[key] = { entry } end
end

local function each_chunk(list, run)
  for first = 1, #list, 1000 do
    run(unpack(list, first, math.min(first + 999, #list)))
  end
end

local function flush()
  for _, key in ipairs(push_order) do
    each_chunk(pushes[key], function(...) call('RPUSH', key, ...) end)
  end
  for key, list in pairs(removals) do
    each_chunk(list, function(...) call('SREM', key, ...) end)
  end
  pushes, push_order, removals = {}, {}, {}
end

local function outranks(new, old)
  if old >= DELIVERED then
    return new == DELIVERED and (old == UNDELIVERED or old == EXPIRED or old == UNKNOWN_FOR_GOOD)
  end
  return new > old
end

-- How many entries one operation takes: unpack() has room for some 8,000, and an error
-- after the LPOP would lose what was popped.
local function bounded(want)
  return math.max(0, math.min(tonumber(want), 1000))
end

-- Where the events of a record begin, counted as Lua counts.
local function events_at(rec)
  local b5, b6, b7, b8 = byte(rec, 5, 8)
  return ((b5 * 256 + b6) * 256 + b7) * 256 + b8 + 1
end

local function has_event(rec, event)
  return string.find(rec, event, events_at(rec), true) ~= nil
end

-- Append an event to a message that is still there and does not have it yet.
local function append_once(id, event)
  local rec = call('GET', 'm:' .. id)
  if rec and not has_event(rec, event) then call('APPEND', 'm:' .. id, event) end
end

-- Bring a segment (or every segment) to a state, where that outranks its own. `moves`
-- counts such changes from the beginning; reached[i] is which of them was segment i's last.
local function bring(states, reached, moves, seg, state)
  local first, last = seg + 1, seg + 1
  if seg == EVERY_SEGMENT then first, last = 1, #states end
  for i = first, last do
    if states[i] and outranks(state, states[i]) then
      moves = moves + 1
      states[i], reached[i] = state, moves
    end
  end
  return moves
end

-- The state of each segment, and the order in which they came to it, from the events.
local function fold(rec)
  local at, size = events_at(rec), #rec
  local states, reached, moves = {}, {}, 0
  for i = 1, byte(rec, 3) do states[i], reached[i] = ACCEPTED, 0 end
  while at <= size do
    local len, state = byte(rec, at, at + 1)
    if state < 16 then moves = bring(states, reached, moves, byte(rec, at + 8), state) end
    at = at + 1 + len
  end
  return states, reached, moves
end

-- One state for the whole message (luckgw/receipts/match.py states the rule).
local function message_state(states, reached)
  local behind, ending, since = 99, DELIVERED, nil
  for i = 1, #states do
    local s = states[i]
    if s < behind then behind = s end
    if s > DELIVERED and (not since or reached[i] < since) then
      ending, since = s, reached[i]
    end
  end
  if behind < DELIVERED then return behind end
  return ending
end

local function notify(rec, id, state, time)
  local flags, rd = byte(rec, 2), byte(rec, 4) % 4
  if flags % 4 == 0 then return '' end
  local account = sub(rec, 26, 25 + byte(rec, 25))
  local entry = id .. char(state) .. time .. '\0'
  local told = ''
  if flags % 2 == WANTS_DELIVER_SM and state >= DELIVERED
    and (rd == 1 or (rd == 2 and state ~= DELIVERED)) then
    push('o:' .. account, entry)
    told = account
  end
  if floor(flags / WANTS_WEBHOOK) % 2 == 1 then
    push('w:' .. account, entry)
    told = account
  end
  return told
end

-- Whether a message may be cancelled or replaced: no carrier has any of it, it is in no
-- doubt, and nobody holds it for a carrier.
local function still_waits(id, rec)
  local at, size = events_at(rec), #rec
  while at <= size do
    local len, kind = byte(rec, at, at + 1)
    if kind == UNCERTAIN then return false end
    at = at + 1 + len
  end
  local states = fold(rec)
  for i = 1, #states do
    if states[i] >= SENT then return false end
  end
  local claims = call('SMEMBERS', 'luckgw:claims')
  for i = 1, #claims do
    if sub(claims[i], 1, 4) == 'c:q:' and call('SISMEMBER', claims[i], id) == 1 then
      return false
    end
  end
  return true

end

-- Whether all is said of a message.
local function is_over(rec)
  if byte(rec, 3) > 1 then return message_state(fold(rec)) >= DELIVERED end
  local b5, b6, b7, b8 = byte(rec, 5, 8)
  local at, size = ((b5 * 256 + b6) * 256 + b7) * 256 + b8 + 1, #rec
  while at <= size do
    local len, state = byte(rec, at, at + 1)
    if state >= DELIVERED and state < 16 then
      local of = byte(rec, at + 8)
      if of == 0 or of == EVERY_SEGMENT then return true end
    end
    at = at + 1 + len
  end
  return false
end

-- A number of six octets, as times are.
local function number_at(value, at)
  local n = 0
  for i = at, at + 5 do n = n * 256 + byte(value, i) end
  return n
end

-- Who has a message, and whether the last that was heard of it is that it is on its way.
local function last_heard(rec)
  local at, size = events_at(rec), #rec
  local upstream, on_its_way = '', false
  while at <= size do
    local len, kind = byte(rec, at, at + 1)
    if kind == SENT then
      upstream = string.match(sub(rec, at + 9, at + len), '^%Z*')
    elseif kind == ON_ITS_WAY or kind == UNKNOWN then
      on_its_way = kind == ON_ITS_WAY
    end
    at = at + 1 + len
  end
  return upstream, on_its_way
end

-- A carrier says that a segment is on its way, which is no news: each such thing is kept
-- once, up to some, and told to who asked for intermediate notifications.
local function note(id, rec, head, seg, tail)
  local at, size, count = events_at(rec), #rec, 0
  while at <= size do
    local len, kind = byte(rec, at, at + 1)
    if kind == ON_ITS_WAY and byte(rec, at + 8) == seg then
      count = count + 1
      if count >= MOST_NOTES or sub(rec, at + 9, at + len) == tail then return 'D' end
    end
    at = at + 1 + len
  end
  call('APPEND', 'm:' .. id, char(byte(head), ON_ITS_WAY) .. sub(head, 3) .. char(seg) .. tail)
  if byte(rec, 2) % 2 == WANTS_DELIVER_SM and floor(byte(rec, 4) / 16) % 2 == 1 then
    local account = sub(rec, 26, 25 + byte(rec, 25))
    push('o:' .. account, id .. char(SENT) .. sub(head, 3, 8) .. '\0')
    return 'A' .. account
  end
  return 'A'
end

-- The same as apply below, for a message of one segment: most are, and no table is made.
local function apply_to_one(id, rec, head, seg, tail)
  local b5, b6, b7, b8 = byte(rec, 5, 8)
  local at, size = ((b5 * 256 + b6) * 256 + b7) * 256 + b8 + 1, #rec
  local before = ACCEPTED
  while at <= size do
    local len, state = byte(rec, at, at + 1)
    if state < 16 and outranks(state, before) then
      local of = byte(rec, at + 8)
      if of == 0 or of == EVERY_SEGMENT then before = state end
    end
    at = at + 1 + len
  end
  if seg ~= 0 and seg ~= EVERY_SEGMENT then return 'D' end
  local after = byte(head, 2)
  if not outranks(after, before) then
    if after == SENT and before < DELIVERED then return note(id, rec, head, seg, tail) end
    return 'D'
  end
  local event = head .. char(seg) .. tail
  if after >= DELIVERED then
    call('SET', 'm:' .. id, rec .. event)
  else
    call('APPEND', 'm:' .. id, event)
  end
  return 'A' .. notify(rec, id, after, sub(head, 3, 8))
end

-- Append a state event of one segment (or of every segment); notify when the message's
-- own state changed. A final state rewrites the value, which gives back the slack that
-- APPEND leaves behind it.
local function apply(id, rec, head, seg, tail)
  if byte(rec, 3) == 1 then return apply_to_one(id, rec, head, seg, tail) end
  local states, reached, moves = fold(rec)
  local before = message_state(states, reached)
  if bring(states, reached, moves, seg, byte(head, 2)) == moves then
    if byte(head, 2) == SENT and (states[seg + 1] or DELIVERED) < DELIVERED then
      return note(id, rec, head, seg, tail)
    end
    return 'D'
  end
  local event = head .. char(seg) .. tail
  local after = message_state(states, reached)
  if after >= DELIVERED then
    call('SET', 'm:' .. id, rec .. event)
  else
    call('APPEND', 'm:' .. id, event)
  end
  if after == before then return 'A' end
  return 'A' .. notify(rec, id, after, sub(head, 3, 8))
end

local function be(number, octets)
  local out = ''
  for _ = 1, octets do
    out = char(number % 256) .. out
    number = floor(number / 256)
  end
  return out
end

-- The record of a message from a phone: its head (records.inbound_head) and its bodies.
local function inbound_record(head, bodies)
  local packed = {}
  for i = 1, #bodies do packed[i] = be(#bodies[i], 2) .. bodies[i] end
  packed = table.concat(packed)
  return sub(head, 1, 2) .. char(#bodies) .. sub(head, 3, 3) .. be(#head + 5 + #packed, 4)
    .. sub(head, 4) .. packed
end

local function keep_inbound(id, rec, queue)
  if call('SET', 'm:' .. id, rec, 'NX') then push(queue, id) end
end

-- Make a message of the parts that are there; 0 when that was done before.
local function give_out(join, queue)
  local all, has, bodies = call('HGETALL', join), {}, {}
  for i = 1, #all, 2 do has[all[i]] = all[i + 1] end
  if not has.h then return 0 end
  for i = 1, tonumber(has.n) do
    local part = has[tostring(i)]
    if part then bodies[#bodies + 1] = sub(part, 17) end
  end
  keep_inbound(has.i, inbound_record(has.h, bodies), queue)
  return 1
end

local res, n = {}, 0
local at, size = 3, #argv

while at <= size do
  local op = argv[at]
  n = n + 1
  if op == 'A' then
    -- accept: id, record, queue, index, due ms ('' = now), opt-out list and field of it
    --         ('' = nobody looks)
    local id, rec, queue, index, due, out =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5], argv[at + 6]
    at = at + 7
    local nul = out ~= '' and string.find(out, '\0', 1, true)
    if nul and call('HEXISTS', sub(out, 1, nul - 1), sub(out, nul + 1)) == 1
      and call('EXISTS', 'm:' .. id) == 0 then
      res[n] = 3
    elseif call('SET', 'm:' .. id, rec, 'NX') then
      if due == '' then push('q:' .. queue, id) else call('ZADD', 'd:q:' .. queue, due, id) end
      push(index, id)
      res[n] = 1
    else
      res[n] = 2
    end

  elseif op == 'N' then
    -- sent: claims, id, seg, map key ('' = carrier gave no id), event head, event tail,
    --       map ttl s, last ('1' = nothing of the message is unanswered), webhook queue ('' = none)
    local claims, id, seg, map, head, tail, ttl, last, hook =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5], argv[at + 6],
      argv[at + 7], argv[at + 8], argv[at + 9]
    at = at + 10
    local old
    local mine = 'I' .. id .. seg
    if map ~= '' then old = call('SET', map, mine, 'EX', ttl, 'GET') end
    local parked = old and byte(old) == 80 -- 'P': the receipt came first
    local reused = old and not parked and old ~= mine
    if old == mine then
      res[n] = 'A' -- a repeat: all of it is done
    else
      local event = head .. seg .. tail
      local there, news = true, true
      if map == '' or reused then -- the map does not tell whether this is a repeat
        local rec = call('GET', 'm:' .. id)
        there = rec ~= false
        news = there and not has_event(rec, event)
      end
      if news and call('APPEND', 'm:' .. id, event) == #event then
        call('DEL', 'm:' .. id) -- it was swept or revoked: an event alone is no record
        there = false
      end
      if parked then
        call('ZREM', 'p:' .. sub(map, 3, (string.find(map, ':', 3, true)) - 1), map)
      end
      local told = ''
      if news and there and last == '1' and hook ~= '' then
        push('w:' .. hook, id .. char(SENT) .. sub(head, 3, 8) .. '\0')
        told = hook
      end
      if parked and there then
        local applied = apply(id, call('GET', 'm:' .. id), sub(old, 2, 9), byte(seg), sub(old, 10))
        if #applied > 1 then told = sub(applied, 2) end
      end
      res[n] = (there and (reused and 'C' or 'A') or 'G') .. told
    end
    if last == '1' then remove(claims, id) end

  elseif op == 'R' then
    -- receipt: map key, parked key ('' = an unknown id is not parked), event head, event
    --          tail, now ms, park ttl s, what a parked one's tail has more, recipient that
    --          the message must have ('' = any)
    local map, parked, head, tail, now, ttl, more, recipient =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5], argv[at + 6],
      argv[at + 7], argv[at + 8]
    at = at + 9
    local found = call('GET', map)
    if found and byte(found) == 73 then -- 'I': id and segment
      local id = sub(found, 2, 17)
      local rec = call('GET', 'm:' .. id)
      if not rec then
        res[n] = 'G'
      elseif recipient ~= '' and not string.find(rec, recipient, 26, true) then
        res[n] = 'U'
      else
        res[n] = apply(id, rec, head, byte(found, 18), tail)
      end
    elseif parked == '' then
      res[n] = 'U'
    else
      if not found or outranks(byte(head, 2), byte(found, 3)) then
        local len = char(byte(head) + #more)
        call('SET', map, 'P' .. len .. sub(head, 2) .. tail .. more, 'EX', ttl)
        call('ZADD', parked, now, map)
      end
      res[n] = 'P'
    end

  elseif op == 'C' then
    -- claim: queue, claims, how many, now ms. Entries that are due go before the ready ones.
    local queue, claims, want, now = argv[at + 1], argv[at + 2], bounded(argv[at + 3]), argv[at + 4]
    at = at + 5
    flush()
    local entries = call('ZRANGE', 'd:' .. queue, '-inf', now, 'BYSCORE', 'LIMIT', 0, want)
    if #entries > 0 then call('ZREM', 'd:' .. queue, unpack(entries)) end
    if #entries < want then
      local ready = call('LPOP', queue, want - #entries)
      if ready then
        for i = 1, #ready do entries[#entries + 1] = ready[i] end
      end
    end
    local out = {}
    if #entries > 0 then
      local keys = {}
      for i = 1, #entries do keys[i] = 'm:' .. sub(entries[i], 1, 16) end
      local records = call('MGET', unpack(keys))
      local taken = {}
      for i = 1, #entries do
        if records[i] then -- a message that was revoked or swept is skipped
          taken[#taken + 1] = entries[i]
          out[#out + 1] = entries[i]
          out[#out + 1] = records[i]
        end
      end
      if #taken > 0 then
        call('SADD', claims, unpack(taken))
        call('SADD', 'luckgw:claims', claims)
      end
    end
    res[n] = out

  elseif op == 'S' then
    -- settle: claims, entry
    remove(argv[at + 1], argv[at + 2])
    at = at + 3
    res[n] = 1

  elseif op == 'T' then
    -- retry: queue, claims, entry, new entry, due ms ('' = at once, first in line), event ('' = none)
    local queue, claims, entry, again, due, event =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5], argv[at + 6]
    at = at + 7
    flush()
    if call('SREM', claims, entry) == 1 then
      if due == '' then call('LPUSH', queue, again) else call('ZADD', 'd:' .. queue, due, again) end
      if event ~= '' then append_once(sub(entry, 1, 16), event) end
      res[n] = 1
    else
      res[n] = 0
    end

  elseif op == 'F' then
    -- finish by the gateway itself: claims, id, event head, event tail
    local claims, id, head, tail = argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4]
    at = at + 5
    flush()
    local rec = call('GET', 'm:' .. id)
    if call('SREM', claims, id) == 1 and rec then
      res[n] = apply(id, rec, head, EVERY_SEGMENT, tail)
    else
      res[n] = 'D'
    end

  elseif op == 'X' then
    -- cancel: id, event head, event tail. Only what still waits.
    local id, head, tail = argv[at + 1], argv[at + 2], argv[at + 3]
    at = at + 4
    flush()
    local rec = call('GET', 'm:' .. id)
    if not rec then
      res[n] = 'G'
    elseif has_event(rec, head .. char(EVERY_SEGMENT) .. tail) then
      res[n] = 'A' -- a repeat
    elseif still_waits(id, rec) then
      res[n] = apply(id, rec, head, EVERY_SEGMENT, tail)
    else
      res[n] = 'D'
    end

  elseif op == 'U' then
    -- replace: id, old record, new record, delayed set ('' = its time stays), due ms.
    --          Only what still waits, and only if nothing changed it meanwhile.
    local id, old, new, delayed, due = argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5]
    at = at + 6
    flush()
    local rec = call('GET', 'm:' .. id)
    if not rec then
      res[n] = 'G'
    elseif sub(rec, 1, #new) == new and new ~= old then
      res[n] = 'A' -- a repeat
    elseif rec == old and still_waits(id, rec) then
      call('SET', 'm:' .. id, new)
      if delayed ~= '' then call('ZADD', delayed, 'XX', due, id) end
      res[n] = 'A'
    else
      res[n] = 'D'
    end

  elseif op == 'Z' then
    -- another name of a message: its key, id, ttl s
    call('SET', argv[at + 1], argv[at + 2], 'EX', argv[at + 3])
    at = at + 4
    res[n] = 1

  elseif op == 'V' then
    -- revoke: id. The caller was told "no": the message must never leave.
    local id = argv[at + 1]
    at = at + 2
    flush()
    local rec = call('GET', 'm:' .. id)
    if not rec then
      res[n] = 0
    else
      if #rec >= events_at(rec) then
        res[n] = 2 -- too late: it has a history
      else
        call('DEL', 'm:' .. id)
        res[n] = 1
      end
    end

  elseif op == 'Y' then
    -- take over what a dead claimant held: queue, its claims, due ms ('' = first in line), event
    local queue, claims, due, event = argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4]
    at = at + 5
    flush()
    local entries = call('SRANDMEMBER', claims, 500)
    table.sort(entries, function(a, b) -- the latest first: each goes before the last
      local x, y = sub(a, 18, 23), sub(b, 18, 23)
      if x ~= y then return x > y end
      return a > b
    end)
    for i = 1, #entries do
      local entry = entries[i]
      call('SREM', claims, entry)
      if call('EXISTS', 'm:' .. sub(entry, 1, 16)) == 1 then
        if due == '' then call('LPUSH', queue, entry) else call('ZADD', 'd:' .. queue, due, entry) end
        if event ~= '' then append_once(sub(entry, 1, 16), event) end
      end
    end
    if call('EXISTS', claims) == 0 then call('SREM', 'luckgw:claims', claims) end
    res[n] = #entries

  elseif op == 'M' then
    -- a message from a phone: seen key, its ttl s, id, record, queue
    local seen, ttl, id, rec, queue =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5]
    at = at + 6
    local first = call('SET', seen, id, 'NX', 'EX', ttl, 'GET')
    if first and first ~= id then
      res[n] = 'D'
    else
      if not first then keep_inbound(id, rec, queue) end
      res[n] = 'A'
    end

  elseif op == 'J' then
    -- a part of one: seen key, its ttl s, id, join key, number, total, digest and body,
    --                head, joins, due ms, queue
    local seen, ttl, id, join, number, total, part, head, joins, due, queue =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5], argv[at + 6],
      argv[at + 7], argv[at + 8], argv[at + 9], argv[at + 10], argv[at + 11]
    at = at + 12
    local first = call('SET', seen, id, 'NX', 'EX', ttl, 'GET')
    local there = not first and call('HGET', join, number)
    if first then
      res[n] = first == id and 'A' or 'D'
    elseif there and sub(there, 1, 16) == sub(part, 1, 16) then
      res[n] = 'D'
    else
      if there then -- the reference was used again: what was there is another message
        give_out(join, queue)
        call('DEL', join)
        call('ZREM', joins, join)
      end
      if call('HSETNX', join, 'i', id) == 1 then
        call('HSET', join, 'n', total, 'h', head)
        call('ZADD', joins, due, join)
      end
      call('HSET', join, number, part)
      if call('HLEN', join) == tonumber(total) + 3 then
        give_out(join, queue)
        call('HDEL', join, 'h')
        for i = 1, tonumber(total) do
          local whole = call('HGET', join, i)
          call('HSET', join, i, sub(whole, 1, 16))
        end
      end
      res[n] = 'A'
    end

  elseif op == 'G' then
    -- long messages that have waited long enough: joins, now ms, how many, queue
    local joins, now, want, queue =
      argv[at + 1], argv[at + 2], bounded(argv[at + 3]), argv[at + 4]
    at = at + 5
    local due = call('ZRANGE', joins, '-inf', now, 'BYSCORE', 'LIMIT', 0, want)
    local gaps = 0
    for i = 1, #due do
      gaps = gaps + give_out(due[i], queue)
      call('DEL', due[i])
    end
    if #due > 0 then call('ZREM', joins, unpack(due)) end
    res[n] = { #due, gaps }

  elseif op == 'K' then
    -- a message from a phone gets its account: claims, id, event, account, index, to
    --   (1 sessions, 2 webhook, 3 both), opt-out list ('' = no change), field, since ms
    --   ('' = not any more), replies ('' = no reply), digest, most, ttl s
    local claims, id, event, account, index, to, outs, field, since, replies, digest, most, ttl =
      argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5], argv[at + 6],
      argv[at + 7], argv[at + 8], argv[at + 9], argv[at + 10], argv[at + 11], argv[at + 12],
      argv[at + 13]
    at = at + 14
    remove(claims, id)
    local rec = call('GET', 'm:' .. id)
    if not rec then
      res[n] = 'G'
    elseif #rec >= events_at(rec) then
      res[n] = 'D'
    else
      call('APPEND', 'm:' .. id, event)
      push(index, id)
      call('ZADD', 'b:' .. account, 0, sub(rec, 9, 16) .. id)
      local entry = id .. '\0' .. sub(event, 3, 8) .. '\0'
      if to == '1' or to == '3' then push('o:' .. account, entry) end
      if to == '2' or to == '3' then push('w:' .. account, entry) end
      local may = replies ~= ''
      if outs ~= '' then
        local changed
        if since == '' then changed = call('HDEL', outs, field)
        else changed = call('HSETNX', outs, field, since) end
        may = may and changed == 1
      end
      if may and (call('HGET', replies, 'd') == digest
        or tonumber(call('HGET', replies, 'n') or '0') >= tonumber(most)) then
        may = false
      end
      if may then
        call('HSET', replies, 'd', digest)
        if call('HINCRBY', replies, 'n', 1) == 1 then call('EXPIRE', replies, ttl) end
      end
      res[n] = may and 'AR' or 'A'
    end

  elseif op == 'I' then
    -- register a new index, so that the sweep finds it: index
    call('SADD', 'luckgw:indexes', argv[at + 1])
    at = at + 2
    res[n] = 1

  elseif op == 'W' then
    -- sweep: index, how many, later index. Messages older than the retention go, oldest
    --        first; one that is not at its end yet stays, under the later index.
    local index, want, later = argv[at + 1], bounded(argv[at + 2]), argv[at + 3]
    at = at + 4
    flush()
    local ids = call('LPOP', index, want)
    if ids and ids[1] then
      local gone = {}
      for i = 1, #ids do
        local rec = call('GET', 'm:' .. ids[i])
        if rec and byte(rec) == INBOUND then
          call('ZREM', 'b:' .. string.match(index, '^i:(.*):'), sub(rec, 9, 16) .. ids[i])
          gone[#gone + 1] = 'm:' .. ids[i]
        elseif rec and not is_over(rec) then
          push(later, ids[i])
        else
          gone[#gone + 1] = 'm:' .. ids[i]
        end
      end
      if #gone > 0 then call('DEL', unpack(gone)) end
      if #gone < #ids then call('SADD', 'luckgw:indexes', later) end
      local looked = call('HGET', 'luckgw:looked', index)
      if looked then call('HSET', 'luckgw:looked', index, math.max(0, looked - #ids)) end
      res[n] = #ids
    else
      call('SREM', 'luckgw:indexes', index)
      call('HDEL', 'luckgw:looked', index)
      res[n] = 0
    end

  elseif op == 'O' then
    -- drop receipts that were parked too long ago: parked key, before ms
    local parked, before = argv[at + 1], argv[at + 2]
    at = at + 3
    local maps = call('ZRANGE', parked, '-inf', '(' .. before, 'BYSCORE', 'LIMIT', 0, 100)
    for i = 1, #maps do
      local found = call('GET', maps[i])
      if found and byte(found) == 80 then call('DEL', maps[i]) end
    end
    if #maps > 0 then
      call('ZREM', parked, unpack(maps))
      call('HINCRBY', 'luckgw:dropped', parked, #maps)
    end
    res[n] = #maps

  elseif op == 'H' then
    -- hand over a parked receipt: map key, parked key, id ('' = drop it), segment, map ttl s
    local map, parked, id, seg, ttl = argv[at + 1], argv[at + 2], argv[at + 3], argv[at + 4], argv[at + 5]
    at = at + 6
    local found = call('GET', map)
    if not found or byte(found) ~= 80 then
      res[n] = (found and found == 'I' .. id .. seg) and 'D' or 'U'
    elseif id == '' then
      call('DEL', map)
      call('ZREM', parked, map)
      call('HINCRBY', 'luckgw:dropped', parked, 1)
      res[n] = 'A'
    else
      local rec = call('GET', 'm:' .. id)
      if rec then
        call('SET', map, 'I' .. id .. seg, 'EX', ttl)
        call('ZREM', parked, map)
        res[n] = apply(id, rec, sub(found, 2, 9), byte(seg), sub(found, 10))
      else
        res[n] = 'G'
      end
    end

  elseif op == 'L' then
    -- look through an index: index, from (where the last look ended, or nothing is done),
    --      how many, before ms. What was accepted before then and is not at its end is
    --      noted under the end of its validity. Gives where this look ended.
    local index, from, want, before = argv[at + 1], argv[at + 2], bounded(argv[at + 3]), tonumber(argv[at + 4])
    at = at + 5
    flush()
    local looked = tonumber(call('HGET', 'luckgw:looked', index) or 0)
    if looked == tonumber(from) and want > 0 then
      local ids = call('LRANGE', index, looked, looked + want - 1)
      local open, first = {}, looked
      if #ids > 0 then
        local keys = {}
        for i = 1, #ids do keys[i] = 'm:' .. ids[i] end
        local records = call('MGET', unpack(keys))
        for i = 1, #ids do
          local rec = records[i]
          if rec then
            if number_at(rec, 11) > before then break end
            if byte(rec) ~= INBOUND and not is_over(rec) then
              open[#open + 1] = number_at(rec, 19)
              open[#open + 1] = ids[i]
            end
          end
          looked = looked + 1
        end
      end
      if #open > 0 then call('ZADD', 'luckgw:open', unpack(open)) end
      if looked > first then call('HSET', 'luckgw:looked', index, looked) end
    end
    res[n] = looked

  elseif op == 'E' then
    -- end what no receipt came for: before ms (end of validity), how many, now (6 octets),
    --     look again at what still waits for its carrier: at ms, unless it ended before ms.
    --     Gives how many were looked at, then the accounts that are told.
    local before, want, time, again, overdue =
      argv[at + 1], bounded(argv[at + 2]), argv[at + 3], argv[at + 4], tonumber(argv[at + 5])
    at = at + 6
    local ids = call('ZRANGE', 'luckgw:open', '-inf', before, 'BYSCORE', 'LIMIT', 0, want)
    local out, known, gone = { #ids }, {}, {}
    for i = 1, #ids do
      local id = ids[i]
      local rec = call('GET', 'm:' .. id)
      if not rec or is_over(rec) then
        gone[#gone + 1] = id
      else
        local waits = message_state(fold(rec)) < SENT
        if waits and number_at(rec, 19) > overdue then
          call('ZADD', 'luckgw:open', again, id)
        else
          gone[#gone + 1] = id
          local upstream, on_its_way = last_heard(rec)
          local state, word = UNKNOWN_FOR_GOOD, 'UNKNOWN'
          if waits or on_its_way then state, word = EXPIRED, 'EXPIRED' end
          local tail = upstream .. '\0' .. word .. '\0' .. '000'
          local told = sub(apply(id, rec, char(8 + #tail, state) .. time, EVERY_SEGMENT, tail), 2)
          if told ~= '' and not known[told] then
            known[told] = true
            out[#out + 1] = told
          end
        end
      end
    end
    if #gone > 0 then call('ZREM', 'luckgw:open', unpack(gone)) end
    res[n] = out

  elseif op == 'B' then
    -- keep a list within bounds: key, entry to add first ('' = none), before ms ('' = any
    --      age), most, how many at once, whether what is delayed ages too ('1'). The
    --      oldest go, and are counted.
    local key, entry, before, most, want, delayed =
      argv[at + 1], argv[at + 2], argv[at + 3], tonumber(argv[at + 4]), bounded(argv[at + 5]), argv[at + 6]
    at = at + 7
    flush()
    if entry ~= '' and not call('LPOS', key, entry, 'RANK', -1, 'MAXLEN', 100) then
      call('RPUSH', key, entry)
    end
    local limit = tonumber(before) or 0
    local function is_old(event) return #event == 24 and number_at(event, 18) < limit end
    local excess, count = call('LLEN', key) - most, 0
    local oldest = call('LRANGE', key, 0, want - 1)
    while count < #oldest and (count < excess or is_old(oldest[count + 1])) do count = count + 1 end
    if want > 0 and count > 0 then call('LPOP', key, count) else count = 0 end
    if delayed == '1' and want > 0 then
      for _, event in ipairs(call('ZRANGE', 'd:' .. key, 0, want - 1)) do
        if is_old(event) then
          call('ZREM', 'd:' .. key, event)
          count = count + 1
        end
      end
    end
    if count > 0 then call('HINCRBY', 'luckgw:dropped', key, count) end
    res[n] = count

  else
    return redis.error_reply('ERR unknown operation ' .. tostring(op))
  end
end

flush()
return res
