// I/O and links: asks for the values as often as the line writes them, and puts them in place.
import { hold, put } from "./page.js";

const LOOK_MS = 250;
const CHANGED_MS = 2000;

const page = document.getElementById("io");
const answered = document.getElementById("io-asked");
const changedAt = new Map();
const parts = new Map();
let heard = performance.now();

/** Swap a part of the page only when it is another: what is being touched stays. */
function swap(id, html) {
  if (parts.get(id) === html) return;
  parts.set(id, html);
  put(id, html);
}

function show(now) {
  page.classList.toggle("dead", !now.alive);
  const at = performance.now();
  for (const bit of document.querySelectorAll("[data-bit]")) {
    const { on, forced } = now.bits[bit.dataset.bit] ?? {};
    const level = on === null || on === undefined ? "" : String(Number(on));
    if (bit.dataset.on !== level) changedAt.set(bit, at);
    bit.dataset.on = level;
    bit.querySelector(".level").textContent = level || "–";
    bit.toggleAttribute("data-forced", Boolean(forced));
    bit.toggleAttribute("data-changed", at - (changedAt.get(bit) ?? -CHANGED_MS) < CHANGED_MS);
  }
  for (const cell of document.querySelectorAll("[data-word]")) {
    const value = now.words[cell.dataset.word] ?? "";
    if (cell.textContent !== value) cell.textContent = value;
  }
  for (const group of document.querySelectorAll("[data-way]")) {
    group.classList.toggle("old", now.old.includes(group.dataset.way));
  }
  swap("io-links", now.links);
  swap("io-trace", now.trace);
  swap("io-forced", now.forced);
  for (const left of document.querySelectorAll("[data-seconds-of]")) {
    left.textContent = `${now.left[left.dataset.secondsOf] ?? 0} s`;
  }
  if (answered) answered.textContent = now.asked;
}

async function look() {
  try {
    const answer = await fetch(`/io/now?asked=${page.dataset.asked || 0}`, { headers: { Accept: "application/json" } });
    if (answer.status === 401) return location.reload();
    if (answer.ok) {
      show(await answer.json());
      heard = performance.now();
    }
  } catch {
    // the mark of a stale page says it
  }
  if (performance.now() - heard > 3000) page.classList.add("dead");
  setTimeout(look, LOOK_MS);
}

for (const button of document.querySelectorAll("[data-hold]")) hold(button);
look();
