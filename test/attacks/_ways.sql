-- Many ways to do one thing: plugin.way(w, q, r) names each, says what to run (q) and how to look at the outcome (r).
-- Include it to get the tools, fill plugin.way, and include _try_ways.sql.  Connected as :app, which owns plugin.
create table plugin.way(n serial, w text, q text,
  r text default 'select string_agg(m::text, ''|'') from public.messages as m');
-- runs q and r, takes everything back, and returns what r found, or what was raised
create function plugin.attempt(q text, r text) returns text language plpgsql as $$
declare got text; detail text;
begin
  execute q;
  execute r into got;
  raise exception using errcode = 'ATK01', message = coalesce(got, '(nothing)');
exception when others then
  get stacked diagnostics got = message_text, detail = pg_exception_detail;
  return concat_ws(' / ', got, nullif(detail, ''));
end $$;
-- functions that tell what they are given, if it is B's
create function plugin.tell(t text) returns text immutable language plpgsql as $$
begin
  if t like '%CANARY-B%' then raise exception 'told of %', t; end if;
  return t;
end $$;
create function plugin.tells(t text) returns boolean immutable language plpgsql cost 0.0000001 as $$
begin
  perform plugin.tell(t);
  return true;
end $$;
