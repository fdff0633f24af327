-- name: renew_lease
-- Says that this actor lives; what it holds stays its own for so many seconds.
INSERT INTO actor_lease (actor, until) VALUES (%(actor)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (actor) DO UPDATE SET until = excluded.until;

-- name: release_lease
-- A clean stop, or a dead actor whose last things were told: what it still held may be claimed at once.
DELETE FROM actor_lease WHERE actor = %(actor)s;

-- name: expired_leases
-- Which actors of a pool have died without a word. A lease that ends later than any can was taken before the clock was
-- set back: one that lives has renewed it within a second.
SELECT actor FROM actor_lease
WHERE until NOT BETWEEN now() AND now() + make_interval(secs => %(longest)s)
  AND starts_with(actor, %(pool)s || '-');
