// Camera and light: the newest frame, focus with its peak, histogram and drift; places touched on the picture.
const LOOK_MS = 250;
const OLD_S = 5;
const STALE_MS = 3000;
const SVG = "http://www.w3.org/2000/svg";

const page = document.getElementById("camera");
const live = document.getElementById("live");
const image = document.getElementById("live-image");
const piece = document.getElementById("live-crop");
const points = document.getElementById("live-points");
const corners = document.getElementById("live-corners");
const cropShown = document.getElementById("crop");
const none = document.getElementById("no-picture");
const number = (value, digits) =>
  new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

let heard = performance.now();
let wanted = null;
let shown = 0;
let size = null;
let peak = 0;
let mode = "look";
const touched = { length: [], draw: [] };

// ---- figures -------------------------------------------------------------------------------------------

const bins = Array.from({ length: 64 }, (_, at) => {
  const bar = document.createElementNS(SVG, "rect");
  bar.setAttribute("x", String(at * 10));
  bar.setAttribute("width", "9");
  document.getElementById("bins").append(bar);
  return bar;
});

function histogram(shares) {
  const most = Math.sqrt(Math.max(...shares, 1e-6));
  bins.forEach((bar, at) => {
    const high = (150 * Math.sqrt(shares[at])) / most;
    bar.setAttribute("y", String(160 - high));
    bar.setAttribute("height", String(high));
  });
}

function focus(figures) {
  const of = figures.crop_focus ?? figures.focus;
  const label = document.getElementById("focus-of");
  const what = figures.crop_focus === null ? label.dataset.middle : label.dataset.piece;
  if (label.textContent !== what) peak = 0;
  label.textContent = what;
  peak = Math.max(peak, of);
  document.getElementById("focus").textContent = number(of, 2);
  document.getElementById("peak").textContent = number(peak, 2);
  document.getElementById("focus-bar").setAttribute("width", String(peak ? (98 * of) / peak : 0));
}

/** How far a figure is beyond the set-up's, as the line judges it: a share, and which limits hold for it. */
function beyond(figures, name) {
  const { reference } = figures;
  const value = figures[name];
  if (name === "light") {
    const nearest = Math.min(Math.max(value, reference.light[0]), reference.light[1]);
    return nearest ? Math.abs(value - nearest) / nearest : 1;
  }
  if (name === "sharpness") {
    const [least, middle] = reference.sharpness;
    return middle && value < least ? 1 - value / middle : 0;
  }
  return value - reference[name];
}

const SHARE = { style: "percent", maximumFractionDigits: 1 };
const written = {
  light: (value) => number(value, 1),
  sharpness: (value) => number(value * 1000, 2),
  burnt: (value) => new Intl.NumberFormat(document.documentElement.lang, SHARE).format(value),
  dark: (value) => new Intl.NumberFormat(document.documentElement.lang, SHARE).format(value),
};

function drift(figures) {
  const { reference } = figures;
  for (const row of document.querySelectorAll("[data-figure]")) {
    const name = row.dataset.figure;
    const write = written[name];
    row.querySelector(".now").textContent = write(figures[name]);
    const said = row.querySelector(".said");
    if (!reference) {
      row.querySelector(".then").textContent = "–";
      said.textContent = page.dataset.noReference;
      row.dataset.drift = "";
      continue;
    }
    const then = reference[name];
    row.querySelector(".then").textContent = !Array.isArray(then)
      ? write(then)
      : name === "light" ? `${write(then[0])} – ${write(then[1])}` : `≥ ${write(then[0])}`;
    const off = beyond(figures, name);
    const [warn, grave] = reference.limits[name];
    const how = off > grave ? "grave" : off > warn ? "warn" : "ok";
    row.dataset.drift = how;
    const mark = { ok: "✓", warn: "△", grave: "✗" }[how];
    said.textContent = `${mark} ${page.dataset[how]}${how === "ok" ? "" : ` (${written.dark(off)})`}`;
  }
  document.querySelectorAll("#thirds td").forEach((cell, at) => {
    cell.textContent = number(figures.thirds[at], 0);
  });
}

// ---- the picture ---------------------------------------------------------------------------------------

function picture(figures) {
  if (!size || size.width !== figures.width || size.height !== figures.height) {
    size = { width: figures.width, height: figures.height };
    live.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    image.setAttribute("width", String(size.width));
    image.setAttribute("height", String(size.height));
    mark();
  }
  if (figures.number !== shown) {
    shown = figures.number;
    image.setAttribute("href", `/camera/live.jpg?n=${shown}`);
    if (figures.crop) cropShown.src = `/camera/crop.jpg?n=${shown}`;
  }
  cropShown.hidden = !figures.crop;
  document.getElementById("crop-none").hidden = Boolean(figures.crop);
  piece.toggleAttribute("hidden", !figures.crop);
  if (figures.crop) {
    ["x", "y", "width", "height"].forEach((name, at) => piece.setAttribute(name, String(figures.crop[at])));
  }
  const exposure = figures.exposure_us === null ? "" : ` · ${number(figures.exposure_us, 0)} µs`;
  const gain = figures.gain_db === null ? "" : ` · ${number(figures.gain_db, 1)} dB`;
  const old = figures.age_s > OLD_S ? ` · ${number(figures.age_s, 0)} s ${page.dataset.age}` : "";
  document.getElementById("live-caption").textContent =
    `${figures.part_seq} · ${size.width} × ${size.height} ${figures.pixel_format}${exposure}${gain}${old}`;
}

function mark() {
  const kept = touched[mode] ?? [];
  points.setAttribute("points", kept.map(([x, y]) => `${x},${y}`).join(" "));
  points.classList.toggle("closed", mode === "draw");
  const reach = size ? size.width / 150 : 1;
  corners.replaceChildren(
    ...kept.map(([x, y]) => {
      const dot = document.createElementNS(SVG, "circle");
      dot.setAttribute("cx", String(x));
      dot.setAttribute("cy", String(y));
      dot.setAttribute("r", String(reach));
      return dot;
    }),
  );
  const text = kept.map(([x, y]) => `${x},${y}`).join(" ");
  const field = document.getElementById(mode === "draw" ? "corners" : "ends");
  if (field && mode !== "look") field.value = text;
}

live.addEventListener("click", (event) => {
  if (!size) return;
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(live.getScreenCTM().inverse());
  const place = [Math.round(Math.min(Math.max(at.x, 0), size.width)), Math.round(Math.min(Math.max(at.y, 0), size.height))];
  if (mode === "look") wanted = place;
  else if (mode === "length") touched.length = [...touched.length, place].slice(-2);
  else touched.draw.push(place);
  mark();
});
for (const button of document.querySelectorAll("[data-mode]")) {
  button.addEventListener("click", () => {
    mode = button.dataset.mode;
    for (const one of document.querySelectorAll("[data-mode]")) one.setAttribute("aria-pressed", String(one === button));
    mark();
  });
}
document.getElementById("undo-corner")?.addEventListener("click", () => {
  touched[mode]?.pop();
  mark();
});
document.getElementById("reset-peak").addEventListener("click", () => {
  peak = 0;
});

// ---- the station ---------------------------------------------------------------------------------------

function show({ alive, figures }) {
  page.classList.toggle("dead", !alive);
  none.hidden = figures !== null;
  if (figures === null) {
    none.textContent = page.dataset.none;
    return;
  }
  picture(figures);
  focus(figures);
  histogram(figures.histogram);
  drift(figures);
}

async function look() {
  try {
    const where = wanted ? `?x=${wanted[0]}&y=${wanted[1]}` : "";
    const answer = await fetch(`/camera/now${where}`, { headers: { Accept: "application/json" } });
    if (answer.status === 401) return location.reload();
    if (answer.ok) {
      show(await answer.json());
      heard = performance.now();
    }
  } catch {
    // the mark of a stale page says it
  }
  if (performance.now() - heard > STALE_MS) page.classList.add("dead");
  setTimeout(look, LOOK_MS);
}

look();
