-- 0002 the story of a post says which handlers changed it; min-reader 1

alter table post add column changed_by text not null default '[]';   -- JSON: names of handlers, in their order
