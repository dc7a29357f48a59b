// One part in review: look at it, judge it, correct it. The station writes; this page only asks.
import { ask } from "./page.js";
import { Corrector } from "./correct.js";

const item = document.getElementById("item");
const data = JSON.parse(item.dataset.item);
const whole = document.getElementById("whole");
const crop = document.getElementById("crop");
const golden = document.getElementById("golden");
const told = document.getElementById("told");
const signature = document.getElementById("signature");
const secret = document.getElementById("again-secret");
const signs = item.dataset.signs.split(" ");
const MARGIN = 1.5;
const BLINK_MS = 700;

let viewer = null;
let chosen = null;
let given = null;
const corrector = new Corrector(data, () => viewer, show);

function say(text) {
  told.textContent = text;
  told.hidden = !text;
}

// ---- the picture --------------------------------------------------------------------------------------

function open() {
  if (viewer || !data.picture) return viewer;
  crop?.remove();
  whole.hidden = false;
  viewer = OpenSeadragon({
    element: whole,
    tileSources: { type: "image", url: data.picture },
    showNavigationControl: false,
    animationTime: 0.2,
    maxZoomPixelRatio: 8,
    gestureSettingsTouch: { pinchToZoom: true, dblClickToZoom: false },
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false },
    imageSmoothingEnabled: false,
  });
  viewer.addHandler("open", () => corrector.draw());
  return viewer;
}

function whenOpen(act) {
  open();
  if (!viewer) return;
  if (viewer.world.getItemCount()) act();
  else viewer.addOnceHandler("open", act);
}

/** Go to a defect, with some of its neighbourhood. */
export function show(position) {
  const mark = corrector.marks[position];
  if (!mark) return;
  for (const chip of document.querySelectorAll("[data-defect]")) {
    chip.setAttribute("aria-pressed", String(Number(chip.dataset.defect) === position));
  }
  corrector.choose(position);
  whenOpen(() => {
    const side = Math.max(mark.width, mark.height, 40) * MARGIN;
    const x = mark.x + mark.width / 2 - side / 2;
    const y = mark.y + mark.height / 2 - side / 2;
    viewer.viewport.fitBounds(viewer.viewport.imageToViewportRectangle(x, y, side, side), true);
  });
}

for (const chip of document.querySelectorAll("[data-defect]")) {
  chip.addEventListener("click", () => show(Number(chip.dataset.defect)));
}
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () =>
    whenOpen(() => {
      if (button.dataset.zoom === "home") viewer.viewport.goHome(true);
      else {
        viewer.viewport.zoomBy(button.dataset.zoom === "in" ? 1.6 : 1 / 1.6);
        viewer.viewport.applyConstraints();
      }
    }),
  );
}
if (!crop && data.picture) open();

const beside = document.getElementById("beside");
const blink = document.getElementById("blink");
let blinking = 0;
const pressed = (button) => button.getAttribute("aria-pressed") === "true";
beside?.addEventListener("click", () => {
  beside.setAttribute("aria-pressed", String(!pressed(beside)));
  golden.toggleAttribute("hidden", !pressed(beside));
});
blink?.addEventListener("click", () => {
  blink.setAttribute("aria-pressed", String(!pressed(blink)));
  clearInterval(blinking);
  const place = document.getElementById("viewer");
  place.classList.remove("is-golden");
  golden.toggleAttribute("hidden", !pressed(blink));
  if (!pressed(blink)) whole.hidden = !viewer;
  else {
    open();
    blinking = setInterval(() => {
      whole.toggleAttribute("hidden");
      golden.toggleAttribute("hidden", !whole.hidden);
    }, BLINK_MS);
  }
});
// What the model saw, over the whole picture: its cells are stretched to it.
const heat = document.getElementById("heat");
let glow = null;
heat?.addEventListener("click", () => {
  heat.setAttribute("aria-pressed", String(!pressed(heat)));
  whenOpen(() => {
    if (!glow) {
      glow = new Image();
      glow.className = "glow";
      glow.alt = "";
      glow.src = heat.dataset.heat;
      viewer.addOverlay({ element: glow, location: viewer.world.getItemAt(0).getBounds() });
    }
    glow.hidden = !pressed(heat);
  });
});
document.getElementById("correct").addEventListener("click", (event) => {
  const button = event.currentTarget;
  button.setAttribute("aria-pressed", String(!pressed(button)));
  document.getElementById("corrector").hidden = !pressed(button);
  whenOpen(() => corrector.draw());
});

// ---- the verdict --------------------------------------------------------------------------------------

const groups = [...document.querySelectorAll(".reasons")];
const verdicts = document.getElementById("verdicts");

function choose(opinion) {
  const group = groups.find((one) => one.dataset.for === opinion);
  const reasons = [...group.querySelectorAll("[data-reason]")];
  chosen = opinion;
  if (reasons.length === 1) return judge(reasons[0].dataset.reason);
  verdicts.hidden = true;
  for (const one of groups) one.hidden = one !== group;
  reasons[0].focus();
}

function back() {
  chosen = null;
  signature.hidden = true;
  for (const one of groups) one.hidden = true;
  verdicts.hidden = false;
}

function judge(reason) {
  given = { opinion: chosen, reason, corrections: corrector.given() };
  if (signs.includes(chosen)) demand("critical");
  else post(given);
}

function demand(why) {
  const told = document.getElementById("signature-why");
  told.textContent = told.dataset[why];
  signature.dataset.why = why;
  signature.hidden = false;
  secret.value = "";
  secret.focus();
}

async function post(body) {
  say("");
  try {
    const answer = await ask(data.post, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.status === 401) return demand("expired");
    if (answer.status === 428) return demand("critical");
    const said = await answer.json();
    if (!answer.ok) return say(typeof said.detail === "string" ? said.detail : item.dataset.failed);
    location.assign(said.next);
  } catch {
    say(item.dataset.failed);
  }
}

signature.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (signature.dataset.why === "critical") return post({ ...given, secret: secret.value });
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: secret.dataset.name, secret: secret.value }),
  });
  const said = await answer.json();
  if (!answer.ok) return say(said.detail);
  document.querySelector('meta[name="csrf"]').content = said.csrf;
  signature.hidden = true;
  post(given);
});
for (const key of signature.querySelectorAll("[data-key]")) {
  key.addEventListener("click", () => {
    secret.value = key.dataset.key ? secret.value + key.dataset.key : secret.value.slice(0, -1);
  });
}
for (const button of document.querySelectorAll("[data-opinion]")) {
  button.addEventListener("click", () => choose(button.dataset.opinion));
}
for (const button of document.querySelectorAll("[data-reason]")) {
  button.addEventListener("click", () => judge(button.dataset.reason));
}
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", back);

// ---- undo ---------------------------------------------------------------------------------------------

const undo = document.getElementById("undo");
if (undo) {
  const [part, number] = undo.dataset.undo.split(".");
  const count = undo.querySelector("b");
  let seconds = Number(undo.dataset.seconds);
  const ticking = setInterval(() => {
    seconds -= 1;
    count.textContent = String(seconds);
    if (seconds <= 0) {
      clearInterval(ticking);
      undo.remove();
    }
  }, 1000);
  undo.querySelector("button").addEventListener("click", async () => {
    const answer = await ask(`/review/${part}/undo/${number}`, { method: "POST" });
    const said = await answer.json();
    if (answer.ok) location.assign(said.next);
    else say(said.detail);
  });
  history.replaceState(null, "", location.pathname + location.search.replace(/[?&]undo=[^&]*/, "").replace(/^&/, "?"));
}

// ---- keys ---------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const open = groups.find((one) => !one.hidden);
  if (/^[1-9]$/.test(event.key)) {
    const button = (open ?? verdicts)?.querySelector(`[data-key="${event.key}"]`);
    if (button) button.click();
  } else if (event.key === "Escape" && open) back();
  else if (event.key === "ArrowRight" && event.target.closest(".buttons, .reasons") === null) location.assign(item.dataset.next);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    show((corrector.chosen + step + corrector.marks.length) % Math.max(corrector.marks.length, 1));
    event.preventDefault();
  }
});
