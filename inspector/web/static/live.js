// Live: swaps in what is new, and holds the picture of a reject until somebody goes on.
import { put } from "./page.js";

const freeze = document.getElementById("freeze");
const goOn = document.getElementById("go-on");
const boxes = document.getElementById("boxes");
let held = null;
let newest = null;

const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button) => button.setAttribute("aria-pressed", String(!pressed(button)));
const picture = () => document.getElementById("last-part");

function hold() {
  held = pressed(freeze) && picture().dataset.outcome === "fail" ? picture() : null;
  goOn.hidden = true;
}

function show(html) {
  newest = html;
  put("live", html);
  const shown = document.getElementById("lamp").dataset.part;
  const isReject = picture().dataset.outcome === "fail";
  if (held && held.dataset.part !== shown && !isReject) {
    held.classList.add("held");
    picture().replaceWith(held);
    goOn.hidden = false;
  } else {
    hold();
  }
}

document.addEventListener("station:live", (event) => show(event.detail));
freeze.addEventListener("click", () => {
  press(freeze);
  if (!pressed(freeze) && newest) release();
});
goOn.addEventListener("click", release);
boxes.addEventListener("click", () => {
  press(boxes);
  document.body.classList.toggle("no-boxes", !pressed(boxes));
});

function release() {
  held = null;
  goOn.hidden = true;
  if (newest) put("live", newest);
}
hold();
