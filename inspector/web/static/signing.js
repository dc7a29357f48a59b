// Sends what a person decided, one request at a time; asks for a signature or a new session where the station wants one.
import { ask } from "./page.js";

/** So long after a page came, no button and no key decides: what is pressed still meant the page before. */
const YOUNG_MS = 400;

const place = document.getElementById("judge");
const told = document.getElementById("told");
const pad = document.getElementById("signature");
const why = document.getElementById("signature-why");
const secret = document.getElementById("again-secret");
let sending = false;
let young = true;
let waits = null;

/** Whether a key may act: the page is old enough to have been seen, and nothing is under way. */
export const free = () => !sending && !young;

/** Whether a signature is waited for: digits are then of a PIN. */
export const signing = () => !pad.hidden;

export function say(text) {
  told.textContent = text;
  told.hidden = !text;
}

function settle() {
  for (const button of place.querySelectorAll("button")) button.disabled = !free();
}

function begin() {
  sending = true;
  settle();
  say("");
}

function end() {
  sending = false;
  settle();
}

/** Ask for the PIN or password; with it the request is sent. ``reason``: "critical" or "expired". */
export function demand(reason, request) {
  waits = request;
  why.textContent = why.dataset[reason];
  pad.dataset.why = reason;
  pad.hidden = false;
  clear();
}

export function forget() {
  waits = null;
  pad.hidden = true;
}

function clear() {
  secret.value = "";
  secret.focus();
}

/** What was answered; null where there was no answer. */
async function answered(path, options) {
  try {
    const answer = await ask(path, options);
    const content = await answer.json().catch(() => ({}));
    return { ok: answer.ok, status: answer.status, content };
  } catch {
    return null;
  }
}

const JSON_HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

/** Post ``request.body`` to ``request.path``; ``request.taken`` goes on, ``request.overtaken`` where a review came first. */
export async function send(request) {
  if (sending) return;
  begin();
  const body = JSON.stringify(request.body);
  const answer = await answered(request.path, { method: "POST", headers: JSON_HEADERS, body });
  // The buttons stay as they are: the next page is on its way.
  if (answer?.ok) return request.taken(answer.content);
  end();
  const again = request.signed ? { ...request, body: request.unsigned, signed: false } : request;
  if (answer?.status === 401 || answer?.content.signIn) return demand("expired", again);
  if (answer?.status === 428) return demand("critical", again);
  if (request.overtaken && answer?.content.standing !== undefined) {
    forget();
    return request.overtaken(answer.content);
  }
  refused(answer);
}

function refused(answer) {
  const detail = answer?.content.detail;
  say(typeof detail === "string" ? detail : place.dataset.failed);
  if (!pad.hidden) clear();
}

async function signIn() {
  begin();
  const body = JSON.stringify({ name: secret.dataset.name, secret: secret.value });
  const answer = await answered("/api/session", { method: "POST", headers: JSON_HEADERS, body });
  end();
  if (!answer?.ok) return refused(answer);
  takeToken(answer.content.csrf);
  const request = waits;
  forget();
  document.dispatchEvent(new CustomEvent("station:signed-in"));
  send(request);
}

/** All that this page still sends belongs to the new session. */
function takeToken(token) {
  document.querySelector('meta[name="csrf"]').content = token;
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRF-Token": token }));
  for (const field of document.querySelectorAll('input[name="csrf"]')) field.value = token;
}

pad.addEventListener("submit", (event) => {
  event.preventDefault();
  if (sending) return;
  if (!secret.value) return clear();
  if (pad.dataset.why === "expired") return signIn();
  send({ ...waits, signed: true, unsigned: waits.body, body: { ...waits.body, secret: secret.value } });
});
/** Not to be signed after all; what is on its way to the station goes on. */
export function callOff() {
  if (sending) return;
  say("");
  forget();
}
document.getElementById("signature-back").addEventListener("click", callOff);
for (const key of pad.querySelectorAll("[data-key]")) {
  key.addEventListener("click", () => {
    secret.value = key.dataset.key ? secret.value + key.dataset.key : secret.value.slice(0, -1);
  });
}

// Enter that is held would press the button that came under it, and try the same wrong PIN until the account is locked.
place.addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter") event.preventDefault();
});

place.dataset.young = "";
settle();
setTimeout(() => {
  young = false;
  delete place.dataset.young;
  settle();
}, YOUNG_MS);
