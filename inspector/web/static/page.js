// What several screens use.

/** Replace an element's content by a part of a page that the station rendered. */
export function put(id, html) {
  const target = document.getElementById(id);
  if (!target) return;
  const template = document.createElement("template");
  template.innerHTML = html;
  target.replaceChildren(template.content);
}

/** A request that carries the page's token; answers as fetch does. */
export function ask(path, options = {}) {
  const token = document.querySelector('meta[name="csrf"]').content;
  return fetch(path, { ...options, headers: { "X-CSRF-Token": token, ...(options.headers ?? {}) } });
}

const HOLD_MS = 1000;

/** A button for what is dangerous: it sends its form once it was held for a second, by finger or by key. */
export function hold(button) {
  let waiting = 0;
  const begin = () => {
    clearTimeout(waiting);
    button.dataset.held = "";
    waiting = setTimeout(() => {
      end();
      button.form.requestSubmit(button);
    }, HOLD_MS);
  };
  const end = () => {
    clearTimeout(waiting);
    delete button.dataset.held;
  };
  button.addEventListener("pointerdown", begin);
  for (const over of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) button.addEventListener(over, end);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) begin();
  });
  button.addEventListener("click", (event) => event.preventDefault());
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}
