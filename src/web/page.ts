// The frame of every page. Law: what comes from mail goes in as `${value}` of hono's `html`, which escapes it; `raw` is
// used nowhere.
import { html } from 'hono/html'

/** What `html` makes: text that is safe to send. */
export type Markup = ReturnType<typeof html>

export interface PageParts {
  readonly title: string
  readonly body: Markup
  /** A browser without scripts loads the page again after two seconds. */
  readonly reload: boolean
}

export function page({ title, body, reload }: PageParts): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/demo.css">
<script src="/demo.js" type="module"></script>
${reload ? html`<noscript><meta http-equiv="refresh" content="2"></noscript>` : ''}
</head>
<body>
<a class="skip" href="#story">Skip to the story</a>
<header>
<h1><a href="/"><img src="/icon.svg" alt="" width="28" height="28">Posthorn</a></h1>
<p>A demo on this machine: write a post, watch it pass each station, see each copy that goes out. No mail leaves the machine.</p>
</header>
${body}
</body>
</html>
`
}

/** `21:57:03.123` in UTC; the title has the day. */
export function clockTime(at: number): Markup {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}" title="${iso.slice(0, 10)}, UTC">${iso.slice(11, 23)}</time>`
}

/** `12 ms`, `3.4 s`, `5 min`. */
export function spanWords(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`
  return `${Math.round(milliseconds / 60_000)} min`
}
