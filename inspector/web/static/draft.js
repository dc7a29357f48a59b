// Keeps a recipe's text while it is typed, in this tab only, until it stands among the revisions.
const PREFIX = "inspector.recipe.";
const typed = document.getElementById("content");
const revision = document.getElementById("revision-text");
const plain = (text) => text.replaceAll("\r\n", "\n").trim();

function offer() {
  const key = PREFIX + typed.dataset.recipe;
  const kept = sessionStorage.getItem(key);
  const strip = document.getElementById("draft");
  const end = () => (strip.hidden = true);
  const keep = () => sessionStorage.setItem(key, typed.value);
  strip.hidden = kept === null || plain(kept) === plain(typed.value);
  strip.querySelector("[data-take]").addEventListener("click", () => {
    typed.value = kept;
    end();
    typed.focus();
  });
  strip.querySelector("[data-drop]").addEventListener("click", () => {
    sessionStorage.removeItem(key);
    end();
    typed.focus();
  });
  typed.addEventListener("input", () => {
    // Who types on has chosen: what was kept before gives way to it, so it is offered no more.
    end();
    keep();
  });
}

/** A text that is a revision now was proposed: nothing of it can be lost any more. */
function forget() {
  for (const key of Object.keys(sessionStorage)) {
    const kept = key.startsWith(PREFIX) ? sessionStorage.getItem(key) : null;
    if (kept !== null && plain(kept) === plain(revision.textContent)) sessionStorage.removeItem(key);
  }
}

if (typed) offer();
if (revision) forget();
