// One part in review: look at it, judge it, correct it. The station writes; this page only asks.
import { Comparison, LOOKS } from "./compare.js";
import { Corrector } from "./correct.js";
import { callOff, demand, forget, free, send, signing } from "./signing.js";

const item = document.getElementById("item");
const data = JSON.parse(item.dataset.item);
const whole = document.getElementById("whole");
const crop = document.getElementById("crop");
const golden = document.getElementById("golden");
const signs = item.dataset.signs.split(" ");
const MARGIN = 1.5;

let viewer = null;
let chosen = null;
let given = "";
let leaving = false;
const corrector = new Corrector(data, () => viewer);

// ---- the picture --------------------------------------------------------------------------------------

function open() {
  if (viewer || !data.picture) return viewer;
  crop?.remove();
  whole.hidden = false;
  viewer = OpenSeadragon({ ...LOOKS, element: whole, tileSources: { type: "image", url: data.picture } });
  viewer.addHandler("open", () => corrector.draw());
  // The arrows go from defect to defect and from part to part; they do not move the picture as well.
  viewer.addHandler("canvas-key", (event) => {
    if (event.originalEvent.key.startsWith("Arrow")) event.preventDefaultAction = true;
  });
  return viewer;
}

function whenOpen(act) {
  open();
  if (!viewer) return;
  comparison?.lead();
  if (viewer.world.getItemCount()) act();
  else viewer.addOnceHandler("open", act);
}

const steps = document.getElementById("steps");
const place = document.getElementById("step");

function tellStep() {
  steps.hidden = corrector.marks.length < 2;
  place.textContent = `${corrector.chosen + 1} / ${corrector.marks.length}`;
}

/** The chips say what the person made of the defects, also of one that was added. */
function tellMarks() {
  tellStep();
  corrector.marks.forEach((mark, position) => {
    const chip = document.querySelector(`[data-defect="${position}"]`) ?? (mark.defect === null ? added(position) : null);
    if (!chip) return;
    chip.setAttribute("aria-pressed", String(position === corrector.chosen));
    chip.classList.toggle("person", Boolean(mark.person));
    chip.classList.toggle("removed", Boolean(mark.removed));
    chip.title = mark.removed ? item.dataset.none : "";
    chip.querySelector("[data-name]").textContent = corrector.labels[mark.label];
  });
}

function added(position) {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.className = "button chip";
  chip.dataset.defect = String(position);
  const name = document.createElement("span");
  name.dataset.name = "";
  chip.append(name);
  chip.addEventListener("click", () => show(position));
  document.getElementById("chips").append(chip);
  return chip;
}

/** The next defect, or the one before; after the last comes the first. */
function step(by) {
  const count = corrector.marks.length;
  if (count) show((corrector.chosen + by + count) % count);
}

/** Go to a defect, with some of its neighbourhood. */
function show(position) {
  const mark = corrector.marks[position];
  if (!mark) return;
  for (const chip of document.querySelectorAll("[data-defect]")) {
    chip.setAttribute("aria-pressed", String(Number(chip.dataset.defect) === position));
  }
  corrector.choose(position);
  tellStep();
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
for (const button of steps.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => step(Number(button.dataset.step)));
}
corrector.changed = tellMarks;
tellStep();
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
const pressed = (button) => button.getAttribute("aria-pressed") === "true";
// The close-up gives way to the picture, at the defect that it showed.
const comparison = golden && new Comparison(golden, (joined) => {
  if (!viewer) show(corrector.chosen);
  whenOpen(() => joined(viewer));
});
if (!crop && data.picture) open();
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
  comparison?.end(); // its buttons and the heatmap's make room
  if (heat && pressed(heat)) heat.click();
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
  forget();
  overtaken.hidden = true;
  for (const one of groups) one.hidden = true;
  verdicts.hidden = false;
}

function judge(reason) {
  given = reason;
  const body = { opinion: chosen, reason, ...corrector.given(), standing: data.standing };
  if (signs.includes(chosen)) demand("critical", { path: data.post, body, taken, overtaken: compare });
  else send({ path: data.post, body, taken, overtaken: compare });
}

function taken(said) {
  leaving = true;
  location.assign(said.next);
}

// Somebody else was quicker: show who decided what; the same review goes on as a second one only where that is wanted.
const overtaken = document.getElementById("overtaken");
const again = overtaken.querySelector("button");
let newest = data.standing;

function compare(said) {
  newest = said.standing?.journalSeq ?? null;
  overtaken.querySelector("span").textContent = said.detail;
  again.hidden = said.standing?.reviewer === item.dataset.me;
  overtaken.hidden = false;
}

again.addEventListener("click", () => {
  overtaken.hidden = true;
  data.standing = newest;
  judge(given);
});

for (const button of document.querySelectorAll("[data-opinion]")) {
  button.addEventListener("click", () => choose(button.dataset.opinion));
}
for (const button of document.querySelectorAll("[data-reason]")) {
  button.addEventListener("click", () => judge(button.dataset.reason));
}
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", back);

window.addEventListener("beforeunload", (event) => {
  if (!corrector.touched || leaving) return;
  event.preventDefault();
  event.returnValue = true; // what browsers before 2023 ask for
});

// ---- keys ---------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (signing() && event.key === "Escape" && !event.repeat) return callOff();
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    return step(event.key === "ArrowDown" ? 1 : -1);
  }
  // A key that is held or jammed speaks once; and none speaks for a part that nobody can have seen yet.
  if (event.repeat || !free() || signing()) return;
  const open = groups.find((one) => !one.hidden);
  if (/^[1-9]$/.test(event.key)) {
    const button = (open ?? verdicts)?.querySelector(`[data-key="${event.key}"]`);
    if (!button) return;
    event.preventDefault(); // or the digit is typed into the field that it opens
    button.click();
  } else if (event.key === "Escape" && corrector.tracker) corrector.cancel();
  else if (event.key === "Escape" && open) back();
  else if (event.key === "ArrowRight" && event.target.closest(".buttons, .reasons") === null) location.assign(item.dataset.next);
});
