// What a browser adds to the demo's page: parts are replaced as their news come in. Everything that it shows the server
// has made, with mail's text as text; what was opened stays open.

const story = document.getElementById('story')
const posts = document.getElementById('posts')
const live = document.getElementById('live')

const news = new EventSource(`/events?item=${encodeURIComponent(story?.dataset.item ?? '')}`)
news.addEventListener('open', () => tell('live'))
news.addEventListener('error', () => tell('the server does not answer'))
news.addEventListener('story', ({ data }) => showStory(data))
news.addEventListener('posts', ({ data }) => {
  if (posts !== null && posts.innerHTML !== data) posts.innerHTML = data
})

/** @param {string} words */
function tell(words) {
  if (live !== null) live.textContent = words
}

/**
 * Replaces the parts that differ, each whole.
 * @param {string} markup
 */
function showStory(markup) {
  if (story === null) return
  const fresh = document.createElement('template')
  fresh.innerHTML = markup
  const about = story.querySelector('.about')
  const newAbout = fresh.content.querySelector('.about')
  if (about !== null && newAbout !== null && about.innerHTML !== newAbout.innerHTML)
    about.replaceWith(newAbout)
  for (const part of fresh.content.querySelectorAll('[data-part]')) {
    const old = document.getElementById(part.id)
    if (old === null) continue
    keepOpen(old, part)
    if (old.outerHTML !== part.outerHTML) old.replaceWith(part)
  }
}

/**
 * What the reader opened or closed in the old part is so in the new one.
 * @param {Element} old
 * @param {Element} part
 */
function keepOpen(old, part) {
  for (const details of old.querySelectorAll('details[data-keep]')) {
    part.querySelector(`#${details.id}`)?.toggleAttribute('open', details.hasAttribute('open'))
  }
}
