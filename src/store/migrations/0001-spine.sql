-- 0001 lists, members, the queue and the delivery ledger; min-reader 1
-- Times are milliseconds since 1970 in UTC. Roles, modes and statuses carry Mailman's numbers.

create table schema (
  version integer primary key,
  min_reader integer not null
) strict;

-- Keys and small facts of the installation.
create table setting (
  key text primary key,
  value text not null
) strict;

create table domain (
  id integer primary key,
  mail_host text not null unique,
  description text not null default '',
  alias_domain text unique,
  list_only integer not null default 0,
  owners text not null default '[]',        -- JSON array of addresses
  created_at integer not null
) strict;

create table list (
  id integer primary key autoincrement,     -- never reused: an old queue item must not reach a new list
  list_id text not null unique,             -- RFC 2919, fixed at creation
  name text not null,
  domain_id integer not null references domain,
  settings text not null,                   -- JSON: the settings that differ from a new list's
  created_at integer not null,
  last_member_no integer not null default 0,
  last_post_no integer not null default 0,
  last_post_at integer,
  unique (domain_id, name)
) strict;

create table address (
  id integer primary key,
  key text not null unique,                 -- folded for comparison
  email text not null,                      -- as given
  display_name text not null default '',
  registered_at integer not null,
  verified_at integer
) strict;

create table member (
  list_id integer not null references list on delete cascade,
  no integer not null,                      -- of the list's counter, never reused
  role integer not null,
  address_id integer not null references address,
  moderation_action text,                   -- null: the list's default
  delivery_mode integer not null default 1,
  delivery_status integer not null default 1,
  receive_own_postings integer not null default 1,
  receive_list_copy integer not null default 1,
  joined_at integer not null,
  bounce_score integer not null default 0,
  primary key (list_id, no)
) strict, without rowid;
create unique index member_by_address on member (list_id, role, address_id);
create index member_by_role on member (list_id, role, no);
create index member_of_address on member (address_id);

create table ban (
  list_id integer references list on delete cascade,   -- null: the whole site
  pattern text not null,                                -- an address key, or ^regular expression
  unique (list_id, pattern)
) strict;
create unique index ban_of_site on ban (pattern) where list_id is null;

-- The bytes of a message, immutable. Large ones lie in a file that was synced before the row was committed.
create table message (
  id integer primary key autoincrement,
  hash blob not null,
  size integer not null,
  bytes blob,
  file text,
  check ((bytes is null) <> (file is null))
) strict;

-- What the mail server handed over, kept a day: a retry of a transaction whose 250 got lost is not a second post.
create table reception (
  id integer primary key autoincrement,
  hash blob not null,                       -- over bytes, sender and recipients
  message_id integer not null,
  received_at integer not null,
  confirmed integer not null default 0
) strict;
create index reception_unconfirmed on reception (hash) where confirmed = 0;

create table queue_item (
  id integer primary key autoincrement,     -- the order of acceptance
  lane text not null,
  list_id integer not null,                 -- not a reference: a removed list's items end with words
  message_id integer not null,              -- of a message; a sweep keeps what is pointed to
  version integer not null default 1,
  envelope text not null,                   -- JSON
  accepted_at integer not null,
  due_at integer not null,
  attempts integer not null default 0,
  deferrals integer not null default 0,
  shunted_at integer,
  reason text                               -- of the last deferral, or of the shunt
) strict;
create index queue_item_due on queue_item (lane, due_at, id) where shunted_at is null;
create index queue_item_shunted on queue_item (shunted_at) where shunted_at is not null;

-- The story of each post: what was decided, and why.
create table post (
  id integer primary key autoincrement,
  list_id integer not null,
  list_name text not null,                  -- posting address: outlives the list
  item integer not null,
  message_id integer,                       -- the kept bytes, while they are kept
  rfc822_id text not null,                  -- Message-ID with its brackets
  sender text not null,
  subject text not null,
  size integer not null,
  received_at integer not null,
  judged_at integer not null,
  verdict text not null,                    -- accept, hold, reject, discard
  hits text not null,                       -- JSON
  post_no integer,
  outgoing_id integer
) strict;
create index post_by_rfc822_id on post (rfc822_id);
create index post_by_sender on post (sender collate nocase);

create table held (
  id integer primary key autoincrement,
  list_id integer not null references list on delete cascade,
  post_id integer not null,
  message_id integer not null,
  held_at integer not null
) strict;
create index held_by_list on held (list_id, id);

-- How a post leaves: its header, and splices over the kept body.
create table draft (
  id integer primary key autoincrement,
  message_id integer not null,
  header blob not null,
  body_at integer not null,
  splices text not null                     -- JSON, bytes in base64
) strict;

create table outgoing (
  id integer primary key autoincrement,
  lane text not null,                       -- notice, out
  list_id integer,                          -- null: the site's own letters
  draft_id integer,                         -- null once all is done
  audience text not null,                   -- JSON
  sender text not null,
  mode text not null,
  rfc822_id text not null,
  last_no integer not null,                 -- the number taken at acceptance: later members do not get it
  next_no integer not null default 1,       -- the first member that no page has taken
  next_page integer not null default 1,
  paged integer not null default 0,         -- all pages are made
  created_at integer not null,
  expires_at integer not null,              -- the end of the retry period; moves on while the relay is down
  refusals integer not null default 0,      -- transactions refused for good before any was taken; -1 once one was
  parked text,                              -- why it stands still, until unshunt
  done_at integer
) strict;
create index outgoing_open on outgoing (lane, list_id, id) where done_at is null;
create index outgoing_parked on outgoing (id) where parked is not null;
create index outgoing_done on outgoing (done_at) where done_at is not null;

-- The ledger: recipients frozen before the first MAIL of the page, results while it runs.
create table outgoing_page (
  outgoing_id integer not null references outgoing on delete cascade,
  page integer not null,
  recipients text not null,                 -- JSON: [no, address] pairs
  states text not null,                     -- a character for each recipient
  replies text not null,                    -- JSON: what the relay said, with its queue id
  due_at integer,                           -- of the next try; null when the page is done
  tries integer not null default 0,
  starts integer not null default 0,        -- counted before the work, back to 0 at an orderly end
  started_at integer not null,
  changed_at integer not null,
  primary key (outgoing_id, page)
) strict, without rowid;
create index outgoing_page_due on outgoing_page (due_at) where due_at is not null;

create table bounce_event (
  id integer primary key autoincrement,
  list_id integer not null,
  address text not null,
  member_no integer,
  at integer not null,
  context text not null,                    -- smtp, expired
  reply text not null,
  rfc822_id text not null,
  processed integer not null default 0
) strict;
create index bounce_event_waiting on bounce_event (processed, id);

-- Automatic answers: at most one for a sender, a list and a day (RFC 3834 §2).
create table autoreply_seen (
  list_id integer not null,
  kind text not null,
  address text not null,
  day integer not null,
  primary key (list_id, kind, address)
) strict, without rowid;

-- The mail-server tables: `generation` grows with each change of lists or domains, `done` follows it.
create table publication (
  id integer primary key check (id = 1),
  generation integer not null,
  done integer not null,
  fault text
) strict;
insert into publication (id, generation, done) values (1, 1, 0);
