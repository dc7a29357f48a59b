// Takes the last review back, for some seconds: on the next part, or on the queue after the last one.
import { send } from "./signing.js";

const undo = document.getElementById("undo");
const count = undo.querySelector("b");
let seconds = Number(undo.dataset.seconds);
const ticking = setInterval(() => {
  seconds -= 1;
  count.textContent = String(seconds);
  if (seconds <= 0) end();
}, 1000);

function end() {
  clearInterval(ticking);
  undo.remove();
}

undo.querySelector("button").addEventListener("click", () => {
  // It was meant: the time that an answer or a signature takes does not count.
  clearInterval(ticking);
  send({ path: undo.dataset.undo, taken: (said) => location.assign(said.next) });
});
history.replaceState(null, "", location.pathname + location.search.replace(/[?&]undo=[^&]*/, "").replace(/^&/, "?"));
