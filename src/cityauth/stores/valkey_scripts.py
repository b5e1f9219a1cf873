"""The Lua scripts of `ValkeyThrottle`. A server runs each as a whole, and nothing else meanwhile.

A bucket with limits is a sorted set: one member for each use, and its moment as the score. A bucket with failures in a
row is a hash of three fields. All moments and spans are whole microseconds, which a double holds exactly until the year
2255; so `string.format` writes them, because Lua's own way would round them.

What the scripts decide is what `cityauth.core.throttling` says; `cityauth.testing.ThrottleContract` compares them.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """Return the aware moment *at* as the scripts take it."""
    return (at - _EPOCH) // MICROSECOND


def moment(number: int) -> datetime:
    """Return the moment of a script's number, in UTC."""
    return _EPOCH + MICROSECOND * number


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest by which a server knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest."""
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


_COMMON: Final = """
local function text(number)
  return string.format('%.0f', number)
end

local function keep(key, span)
  local milliseconds = math.ceil(span / 1000)
  if redis.call('PTTL', key) < milliseconds then
    redis.call('PEXPIRE', key, text(milliseconds))
  end
end
"""

RESERVE: Final = Script(
    _COMMON
    + """
local given = cjson.decode(ARGV[1])
local now = given.now
local day = 86400000000
local retry_at = 0
local counted = {}

local function wait_until(at)
  if at > retry_at then retry_at = at end
end

local function look_at_uses(key, limits)
  local later = redis.call('ZCOUNT', key, '(' .. text(now + given.ahead), '+inf')
  local longest = 0
  for _, limit in ipairs(limits) do
    local count, window = limit[1], limit[2]
    if window > longest then longest = window end
    if count < 1 then
      wait_until(now + window)
    else
      local rank = text(later + count - 1)
      local nth = redis.call('ZREVRANGE', key, rank, rank, 'WITHSCORES')
      if nth[2] and tonumber(nth[2]) > now - window then
        wait_until(tonumber(nth[2]) + window)
      end
    end
  end
  return longest
end

local function count_failure(key, claim)
  local stored = redis.call('HMGET', key, 'holder', 'failures', 'free_at')
  local failures = 0
  if stored[1] == claim.holder then
    local failed, free_at = tonumber(stored[2]), tonumber(stored[3])
    local wait = free_at - now
    if wait >= -claim.memory and wait <= claim.waits[#claim.waits] + given.ahead then
      failures = failed
      if failed >= claim.free and free_at > now then
        wait_until(free_at)
      end
    end
  end
  failures = failures + 1
  local wait = 0
  if failures >= claim.free then
    wait = claim.waits[math.min(failures - claim.free + 1, #claim.waits)]
  end
  return failures, wait
end

for index, claim in ipairs(given.claims) do
  if claim.limits then
    counted[index] = { look_at_uses(KEYS[index], claim.limits) }
  else
    counted[index] = { count_failure(KEYS[index], claim) }
  end
end
if retry_at > 0 then
  return retry_at
end
for index, claim in ipairs(given.claims) do
  local key = KEYS[index]
  if claim.limits then
    local longest = counted[index][1]
    local number = redis.call('ZCOUNT', key, text(now), text(now))
    redis.call('ZADD', key, text(now), text(now) .. ':' .. text(number))
    if longest > 0 then
      redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - longest))
    end
    keep(key, math.max(longest, day) + given.ahead)
  else
    local failures, wait = counted[index][1], counted[index][2]
    redis.call('HSET', key, 'holder', claim.holder, 'failures', text(failures), 'free_at', text(now + wait))
    keep(key, wait + claim.memory + given.ahead)
  end
end
return 0
"""
)
"""Count one more use for each claim, or return when all of them allow it; see `ThrottleStore.reserve_all`."""

REFUND: Final = Script(
    _COMMON
    + """
local given = cjson.decode(ARGV[1])
local at = text(given.at)
for index, claim in ipairs(given.claims) do
  local key = KEYS[index]
  if claim.limits then
    local number = redis.call('ZCOUNT', key, at, at)
    if number > 0 then
      redis.call('ZREM', key, at .. ':' .. text(number - 1))
    end
  else
    local stored = redis.call('HMGET', key, 'holder', 'failures')
    if stored[1] == claim.holder then
      local failures = tonumber(stored[2])
      if given.forget or failures <= 1 then
        redis.call('DEL', key)
      else
        redis.call('HSET', key, 'failures', text(failures - 1), 'free_at', at)
      end
    end
  end
end
return 0
"""
)
"""Take back one use of each claim; see `ThrottleStore.refund`."""

PURGE: Final = Script(
    """
local gone = 0
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'zset' then
    gone = gone + redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. ARGV[1])
  else
    local free_at = tonumber(redis.call('HGET', key, 'free_at') or 'inf')
    if free_at and free_at < tonumber(ARGV[1]) then
      gone = gone + redis.call('DEL', key)
    end
  end
end
return gone
"""
)
"""Delete what lies before a moment in the keys given, and return how much it was."""
