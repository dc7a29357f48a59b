// What every page does: the stream from the station, the heartbeat, and the mark of a page that has grown stale.
import { put } from "./page.js";

const STALE_MS = 3000;
const LOOK_MS = 250;
const AGAIN_MS = 2000;

const screen = document.body.dataset.screen;
let heard = performance.now();
let stream = null;
const signedOut = document.getElementById("signed-out");

function connect() {
  stream?.close();
  stream = new EventSource(`/events?screen=${encodeURIComponent(screen)}`);
  stream.addEventListener("beat", (event) => {
    const beat = JSON.parse(event.data);
    heard = performance.now() - beat.age_ms; // the page is as old as what the station saw
    const clock = document.getElementById("clock");
    if (clock) clock.textContent = beat.clock;
    document.body.classList.remove("stale");
  });
  stream.addEventListener("shell", (event) => {
    put("shell", event.data);
    const left = document.getElementById("left");
    const bar = document.querySelector("#shell .top");
    if (left && bar) left.textContent = bar.dataset.left;
  });
  stream.addEventListener("live", (event) => {
    document.dispatchEvent(new CustomEvent("station:live", { detail: event.data }));
  });
  stream.addEventListener("signed-out", () => {
    stream.close();
    signedOut.querySelector("a").href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    signedOut.hidden = false;
    document.dispatchEvent(new CustomEvent("station:signed-out"));
  });
}

document.addEventListener("station:signed-in", () => {
  signedOut.hidden = true;
  connect();
});

setInterval(() => {
  if (performance.now() - heard > STALE_MS) document.body.classList.add("stale");
}, LOOK_MS);

// What a screen does with the stream must be there before the stream is.
if (screen === "live") await import("./live.js");
if (screen === "review-item") await import("./review.js");
if (document.getElementById("undo")) await import("./undo.js");
if (screen === "io") await import("./io.js");
if (screen === "camera") await import("./camera.js");
if (document.getElementById("login")) await import("./login.js");
if (screen === "recipes") await import("./draft.js");
if (document.getElementById("another")) await import("./account.js");
connect();
// A browser gives a stream up for good after an answer that is no stream; we do not.
setInterval(() => {
  if (stream?.readyState === EventSource.CLOSED) connect();
}, AGAIN_MS);
// A browser keeps a page that was left for the way back, and its stream with it: five of them, and no connection is left.
addEventListener("pagehide", () => {
  stream?.close();
  stream = null;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) connect();
});
document.body.dataset.ready = "yes";
