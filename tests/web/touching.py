"""Touch targets as a page lays them out: how large each is, and how near its neighbours."""

from typing import Any

from playwright.sync_api import Page

PX_PER_MM = 4.5
GAP_MM = 4
ROUNDING_PX = 0.5
_SEEN = """() => [...document.querySelectorAll('a[href], button, select, textarea, input:not([type=hidden])')]
  .filter(e => e.checkVisibility() && !e.classList.contains('skip'))"""
_BOXES = f"""() => ({_SEEN})()
  .map(e => {{ const b = e.getBoundingClientRect();
              return {{text: e.innerText || e.id, verdict: e.classList.contains('verdict'),
                      w: b.width, h: b.height}}; }})"""
# Two targets are neighbours where they face each other: above one another or side by side. What scrolls apart has no
# distance to be kept, and what stands in another target is a part of it.
_TOO_NEAR = f"""least => {{
  const ground = e => {{
    for (let at = e.parentElement; at; at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
    return document;
  }};
  const seen = ({_SEEN})().map(e => ({{e, b: e.getBoundingClientRect(), ground: ground(e)}}));
  const found = [];
  seen.forEach((one, at) => seen.slice(at + 1).forEach(other => {{
    if (one.ground !== other.ground || one.e.contains(other.e) || other.e.contains(one.e)) return;
    const across = Math.max(one.b.left, other.b.left) - Math.min(one.b.right, other.b.right);
    const down = Math.max(one.b.top, other.b.top) - Math.min(one.b.bottom, other.b.bottom);
    if (Math.min(across, down) < 0 && Math.max(across, down) < least)
      found.push([one.e, other.e].map(e => e.innerText || e.id || e.name).concat(Math.max(across, down)));
  }}));
  return found;
}}"""

_CUT = f"""() => ({_SEEN})().filter(e => e.matches('a, button'))
  .filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
  .map(e => e.innerText || e.id)"""


def boxes(page: Page) -> list[Any]:
    """Each target that is seen: text, verdict (one of the large ones), w and h in px."""
    return list(page.evaluate(_BOXES))


def too_near(page: Page) -> list[Any]:
    """Pairs of targets that face each other with less than the least gap between them: (text, text, px)."""
    return list(page.evaluate(_TOO_NEAR, GAP_MM * PX_PER_MM - ROUNDING_PX))


def cut_off(page: Page) -> list[Any]:
    """Texts of buttons and links that do not fit into them."""
    return list(page.evaluate(_CUT))
