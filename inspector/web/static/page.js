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
