# shellcheck shell=bash
# Haraka, from npm into the cache (haraka/package-lock.json pins each package), run by the Node that is first on PATH.
# What --etc gives is its config folder; here stands only what the laboratory needs: its port, and the sink.

haraka_install() {
  local base=$CACHE/haraka lock=$HERE/haraka/package-lock.json
  if cmp -s "$lock" "$base/package-lock.json" && [[ -f $base/done ]]; then say "haraka: already in $base"; return; fi
  rm -rf "$base"; mkdir -p "$base"
  cp "$HERE/haraka/package.json" "$lock" "$base/"
  (cd "$base" && npm ci --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  : > "$base/done"
  say "haraka: installed, $(du -sm "$base" | cut -f1) MB"
}

haraka_prepare() {
  local c=$DIR/config
  [[ -f $CACHE/haraka/done ]] || cmd_install "$MTA"
  rm -rf "$c"; mkdir -p "$DIR/queue"
  cp -r "$CACHE/haraka/node_modules/Haraka/config" "$c" # as `haraka --install` does
  : > "$c/plugins"
  chmod 755 "$DIR"; chown 65534:65534 "$DIR/queue"
  LOG=$DIR/haraka.log QUEUE=$DIR/queue
  echo "$HOSTNAME_MTA" > "$c/me"
  : > "$c/host_list"
  printf 'listen=127.0.0.1:%s\nuser=nobody\ngroup=nogroup\n' "$SMTP_PORT" > "$c/smtp.ini"
  printf 'temp_fail_intervals=5s*100\n' > "$c/outbound.ini"
  [[ -z ${ETC:-} ]] || cp -rT "$ETC" "$c"
  if [[ -n $SINK_PORT ]]; then # the world: whatever no plugin before it has a way for
    echo queue/smtp_bridge >> "$c/plugins"
    printf 'host=127.0.0.1\nport=%s\n' "$SINK_PORT" > "$c/smtp_bridge.ini"
  fi
}

haraka_start() { haraka_prepare; haraka_run; }
haraka_run() {
  VERSION="Haraka $(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$CACHE/haraka/node_modules/Haraka/package.json")"
  node "$CACHE/haraka/node_modules/Haraka/bin/haraka" -c "$DIR" > "$LOG" 2>&1 < /dev/null &
  remember $!
}
haraka_queue() { find "$QUEUE" -type f; }
